"""The fixtures of tests/http, for a build that was made with --enable-fault-points."""

import importlib.util
import pathlib
import sys

sys.dont_write_bytecode = True

HTTP = pathlib.Path(__file__).resolve().parents[1] / "http"
sys.path.insert(0, str(HTTP))

_spec = importlib.util.spec_from_file_location("http_conftest", HTTP / "conftest.py")
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

fleet, stack, cloud = _module.fleet, _module.stack, _module.cloud
pytest_sessionfinish = _module.pytest_sessionfinish
