"""The description of the API: valid OpenAPI 3.1, complete, and true."""

import json
import re
import subprocess

import pytest

from js_packages import JS_HOME, install_js
from stack import RESPONDER

VALIDATOR = """
import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
const result = await new Validator().validate(JSON.parse(readFileSync(0, "utf8")));
if (!result.valid) console.log(JSON.stringify(result.errors, null, 1));
"""


@pytest.fixture
def document(cloud):
    answer = cloud.get("/api/openapi.json")
    assert answer.status_code == 200, answer.text
    return answer.json()


def routes():
    lines = subprocess.run([RESPONDER, "--routes"], check=True, capture_output=True, text=True)
    return [json.loads(line) for line in lines.stdout.splitlines()]


def operations(document):
    return {(method.upper(), path): operation for path, item in document["paths"].items()
            for method, operation in item.items()}


def test_a_validator_accepts_it(document):
    install_js()
    done = subprocess.run(["node", "--input-type=module", "-e", VALIDATOR], cwd=JS_HOME,
                          input=json.dumps(document), capture_output=True, text=True, check=True)
    assert not done.stdout, done.stdout[:2000]


def test_every_route_is_in_it_and_nothing_else(document):
    expected = {(route["method"], re.sub(r"\.\.\.}", "}", route["path"])): route["permission"]
                for route in routes() if "?" not in route["path"]}
    found = {key: operation["x-permission"] for key, operation in operations(document).items()}
    assert found == expected


def test_every_operation_is_told_apart_and_summed_up(document):
    described = operations(document).values()
    ids = [operation["operationId"] for operation in described]
    assert len(set(ids)) == len(ids)
    assert all(operation["summary"] for operation in described)


def test_strangers_need_nothing_where_it_says_so(document, cloud):
    for (method, path), operation in operations(document).items():
        if not operation["security"] and method == "GET" and "{" not in path:
            answer = cloud.get(path, headers={"X-Forwarded-For": "203.0.113.9"})
            assert answer.status_code not in (401, 403), path


def bodies(document):
    for (method, path), operation in operations(document).items():
        content = operation.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        if schema.get("properties"):
            yield method, path, schema


def concrete(path):
    return re.sub(r"{\w*id}", "1", re.sub(r"{provider}", "replicate", path)).replace("{name}", "x")


def test_a_field_that_is_not_in_it_is_refused(document, cloud):
    for method, path, schema in bodies(document):
        assert schema["additionalProperties"] is False
        answer = cloud.request(method, concrete(path), json={"no_such_field": 1})
        assert answer.status_code in (400, 404, 409), f"{method} {path}: {answer.text}"


def test_a_field_that_must_be_there_is_missed(document, cloud):
    seen = 0
    for method, path, schema in bodies(document):
        for name in schema["required"]:
            answer = cloud.request(method, concrete(path), json={})
            if answer.status_code == 400:
                seen += re.search(rf"\b{name}\b", answer.json()["detail"]) is not None
    assert seen >= 10


def test_a_number_beyond_its_range_is_refused(document, cloud):
    """But S3 clients ask for more than there may be, and mean all."""
    for (method, path), operation in operations(document).items():
        if path.startswith("/api/cloud/storage"):
            continue
        for parameter in operation["parameters"]:
            top = parameter["schema"].get("maximum")
            if parameter["in"] == "query" and top and method == "GET" and "{" not in path:
                answer = cloud.get(path, params={parameter["name"]: top + 1})
                assert answer.status_code == 400, f"{path}: {answer.text}"
                assert parameter["name"] in answer.text
