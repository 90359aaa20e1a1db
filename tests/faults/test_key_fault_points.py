"""kill -9 while the key of secrets is changed: at any point everything opens, and a second call ends
what the first began."""

import json

import expect
import faults

POINTS = ("rotate.file", "rotate.batch")
OTHER = "/api/cloud/providers/http"


def rotate(cloud, *options):
    one = ["--one-host"] if cloud.database_url and not options else []
    done = cloud.companion("secret", "rotate-key", "--json", *one, *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_rotation_that_was_killed_goes_on(cloud):
    jobs = [cloud.new_job(config_name=f"rotation-{n}") for n in range(3)]
    for job in jobs:
        expect.ok(cloud.post(f"/api/cloud/jobs/{job.job_id}/cancel"))
    expect.ok(cloud.put(OTHER, json={"proxy_url": "http://me:proxy-password-2@proxy.example:1"}))
    cloud.settle()
    one = ["--one-host"] if cloud.database_url else []
    for point in POINTS:
        faults.companion_dies(cloud, point, "secret", "rotate-key", *one)
        expect.ok(cloud.get(OTHER))
        expect.ok(cloud.post(f"/api/cloud/jobs/{jobs[0].job_id}/retry"))
        done = rotate(cloud)
        assert done["unreadable_rows"] == 0
        assert [key["use"] for key in done["keys"]] == ["seals", "opens"]
        assert done["keys"][1]["rows"] == 0
        # as if it had been long ago, and nobody uploads
        path = cloud.home / "credential.key"
        path.write_text("\n".join(" ".join(word if "T" not in word else "2024-01-15T10:30:00.000Z"
                                           for word in line.split(" "))
                                  for line in path.read_text().split("\n")))
        cloud.change("UPDATE jobs SET upload_token_sha256 = NULL")
        faults.companion_dies(cloud, "rotate.file", "secret", "rotate-key", "--retire")
        rotate(cloud, "--retire")
        expect.ok(cloud.get(OTHER))
    expect.ok(cloud.put(OTHER, json={"proxy_url": ""}))
