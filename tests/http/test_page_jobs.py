"""The page: jobs from their submission to their end, as people see and do it."""

import concurrent.futures
import json

from page_parts import unexpected
from waiting import until

JOBS = "/api/cloud/jobs"


def status(stack, job_id):
    return stack.job(job_id)["status"]


def job_ids(browser):
    return browser.run("return page.locator('[data-job]').evaluateAll("
                       "(rows) => rows.map((row) => row.dataset.job))")


def test_a_double_click_submits_one_job(page_stack, browser):
    browser.sign_in(page_stack, path="#/cloud/submit")
    browser.fill("Name", "clicked twice")
    browser.run("await page.getByRole('button', { name: 'Submit', exact: true }).dblclick()")
    browser.see("h1", "clicked twice")
    jobs = page_stack.get(f"{JOBS}?search=clicked").json()["jobs"]
    assert [job["config_name"] for job in jobs] == ["clicked twice"]
    assert unexpected(browser.complaints()) == []


def test_what_is_not_json_is_told_at_the_field(page_stack, browser):
    browser.sign_in(page_stack, path="#/cloud/submit")
    browser.fill("Trainer configuration (JSON)", "{model}")
    browser.click("button", "Submit")
    browser.see(".field .error", "This is not JSON")
    browser.fill("Trainer configuration (JSON)", "[]")
    browser.click("button", "Submit")
    browser.see(".field .error", "This must be a JSON object")
    browser.fill("Trainer configuration (JSON)", "{}")
    browser.fill("Longest run, minutes", "0")
    browser.click("button", "Submit")
    browser.see(".field .error:visible")
    assert browser.run("return page.evaluate(() => document.activeElement.name)") \
        == "max_runtime_minutes"


def test_a_check_tells_what_a_job_would_meet(page_stack, browser):
    browser.sign_in(page_stack, path="#/cloud/submit")
    browser.see("#estimate strong", "$")
    before = page_stack.get(JOBS).json()["total"]
    browser.click("button", "Check")
    browser.see("#review h2", "Result of the check")
    browser.see("#review .badge", "Ready")
    assert page_stack.get(JOBS).json()["total"] == before
    assert unexpected(browser.complaints()) == []


def test_local_data_asks_before_it_leaves(page_stack, browser):
    directory = page_stack.data_root / "cats"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "one.png").write_bytes(b"cat")
    browser.sign_in(page_stack, path="#/cloud/submit")
    browser.fill("Data sets (JSON)", json.dumps([
        {"id": "cats", "type": "local", "instance_data_dir": str(directory)}]))
    browser.see("#data-sets", "cats")
    browser.see("label", "I agree that these data sets are uploaded")


def test_a_job_is_cancelled_after_a_question(page_stack, browser):
    job = page_stack.new_job(config_name="to be ended")
    browser.sign_in(page_stack, path=f"#/jobs/{job.job_id}")
    browser.click("button", "Cancel")
    browser.see("dialog p", "Are you sure you want to cancel this job?")
    browser.click("button", "Go back", within="dialog")
    browser.gone("dialog")
    assert status(page_stack, job.job_id) in ("pending", "queued")
    browser.click("button", "Cancel")
    browser.click("button", "Cancel the job", within="dialog")
    browser.see("section .badge", "cancelled")
    assert status(page_stack, job.job_id) == "cancelled"
    browser.click("button", "Remove")
    browser.click("button", "Remove", within="dialog")
    browser.see("h1", "Jobs")
    assert page_stack.get(f"{JOBS}/{job.job_id}").status_code == 404


def test_a_failed_job_is_run_again(page_stack, browser):
    job = page_stack.new_job(config_name="second try")
    page_stack.sim.advance(job.prediction_id, "failed", error="no <b>luck</b>")
    page_stack.settle()
    browser.sign_in(page_stack, path=f"#/jobs/{job.job_id}")
    browser.see(".note.bad", "no <b>luck</b>")
    browser.click("button", "Run again")
    browser.see("dd a", job.job_id)
    [retry] = page_stack.get(f"{JOBS}?search=second").json()["jobs"][:1]
    assert retry["retry_of"] == job.job_id


def test_progress_moves_by_events_without_a_reload(page_stack, browser):
    job = page_stack.new_job(config_name="moves")
    browser.sign_in(page_stack, path="#/cloud")
    row = f"[data-job='{job.job_id}']"
    browser.see("#live", "Live")
    browser.see(row, "queued")
    browser.run("await page.evaluate(() => { window.isStill = true; })")
    page_stack.sim.advance(job.prediction_id, "processing", logs="step 2/8\n")
    browser.see(row, "Training 25 %")
    page_stack.sim.advance(job.prediction_id, "processing", logs="step 2/8\nstep 4/8, loss 0.1\n")
    browser.see(row, "Training 50 %")
    browser.see(row, "step 4/8, loss 0.1")
    browser.go(f"#/jobs/{job.job_id}")
    browser.see(".progress", "Training 50 %")
    page_stack.sim.advance(job.prediction_id, "succeeded", logs="step 8/8\n")
    browser.see("section .badge", "completed")
    assert browser.run("return page.evaluate(() => window.isStill)")
    assert unexpected(browser.complaints()) == []


def test_without_a_stream_of_events_the_list_is_asked_for_every_half_minute(page_stack, browser):
    browser.sign_in(page_stack)
    browser.run("await page.clock.install(); await page.route('**/api/events/stream',"
                "(route) => route.fulfill({ status: 503, body: '{}' }))")
    browser.run("await page.reload()")
    browser.see("#live", "Not live")
    browser.see("#jobs table, #jobs .empty")
    job = page_stack.new_job(config_name="comes by asking")
    browser.run("await page.clock.runFor(20000)")
    assert job.job_id not in job_ids(browser)
    browser.run("await page.clock.runFor(11000)")
    browser.see(f"[data-job='{job.job_id}']", "comes by asking")


def test_logs_are_searched_and_are_text(page_stack, browser):
    job = page_stack.new_job(config_name="talks")
    lines = [f"INFO step {n}/9" for n in range(1, 9)] + ["WARNING <img src=x onerror=boom()>", "ERROR bad"]
    page_stack.sim.advance(job.prediction_id, "processing", logs="\n".join(lines) + "\n")
    browser.sign_in(page_stack, path=f"#/jobs/{job.job_id}")
    browser.see(".log", "<img src=x onerror=boom()>")
    browser.fill("Search the logs", "STEP")
    browser.see("#log-matches", "8 matches")
    assert browser.run("return page.locator('.log mark').count()") == 8
    browser.choose("Level", "error")
    browser.fill("Search the logs", "")
    browser.see("#log-matches", "1 line")
    assert browser.text(".log").strip() == "ERROR bad"
    name = browser.run("const [file] = await Promise.all([page.waitForEvent('download'),"
                       "page.getByRole('button', { name: 'Download' }).click()]);"
                       "return file.suggestedFilename()")
    assert name == f"{job.job_id}.log"
    assert unexpected(browser.complaints()) == []


def test_files_are_seen_by_folder_and_downloaded(page_stack, browser):
    job = page_stack.new_job(config_name="gives")
    browser.sign_in(page_stack, path=f"#/jobs/{job.job_id}")
    browser.see("#files", "No files.")
    assert page_stack.upload(job, "models/final #1.bin", b"weights").status_code == 200
    browser.see("#files", "models/")
    browser.click("button", "models/")
    browser.see("#files a", "final #1.bin")
    content = browser.run(
        "const [file] = await Promise.all([page.waitForEvent('download'),"
        "page.locator('#files a').first().click()]);"
        "const fs = await import('node:fs/promises'); return fs.readFile(await file.path(), 'utf8')")
    assert content == "weights"


def test_jobs_are_found_sorted_and_paged(page_stack, browser):
    for n in range(3):
        page_stack.new_job(config_name=f"findable {n}")
    browser.sign_in(page_stack, path="#/cloud?search=findable")
    browser.run("await page.waitForFunction(() => document.querySelectorAll('[data-job]').length === 3)")
    newest = job_ids(browser)
    browser.choose("Order", "asc")
    browser.run("await page.waitForFunction((first) => document.querySelector('[data-job]')"
                ".dataset.job === first, args)", newest[-1])
    assert job_ids(browser) == newest[::-1]
    browser.fill("Search by name or ID", newest[0].upper())
    browser.run("await page.waitForFunction(() => document.querySelectorAll('[data-job]').length === 1)")
    browser.fill("Search by name or ID", "100%_nothing")
    browser.see("#jobs .empty", "No job matches.")
    browser.fill("Search by name or ID", "")
    many = page_stack.get(JOBS).json()["total"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: page_stack.new_job(config_name=f"filler {n}"), range(30 - many)))
    browser.click("button", "Refresh")
    browser.run("await page.waitForFunction(() => document.querySelectorAll('[data-job]').length === 25)")
    first = job_ids(browser)
    browser.click("button", "Next")
    browser.run("await page.waitForFunction((first) => document.querySelector('[data-job]')"
                ".dataset.job > first, args)", first[-1])
    browser.click("button", "Previous")
    browser.run("await page.waitForFunction((first) => document.querySelector('[data-job]')"
                ".dataset.job === first, args)", first[0])


def test_filters_show_their_numbers(page_stack, browser):
    job = page_stack.new_job(config_name="will fail")
    page_stack.sim.advance(job.prediction_id, "failed", error="x")
    page_stack.settle()
    browser.sign_in(page_stack, path="#/cloud")
    failed = page_stack.get(f"{JOBS}?status=failed").json()["total"]
    browser.click("button", f"failed {failed}")
    browser.see("[aria-pressed=true]", "failed")
    until(lambda: set(browser.run("return page.locator('#jobs td.wide .badge').allInnerTexts()"))
          == {"failed"}, 5, "jobs that have not failed are shown")
    assert "status=failed" in browser.run("return page.url()")
