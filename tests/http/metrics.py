"""Reading metrics: a scrape as a table, and what is exported."""

import re

SCRAPE = "/api/cloud/metrics/prometheus"
CONFIG = "/api/cloud/metrics/config"
ALL = ["jobs", "http", "rate_limits", "approvals", "audit", "health", "circuit_breakers",
       "provider"]
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


class Metrics(dict):
    """{(name, labels as sorted pairs): value}"""

    def of(self, name, **labels):
        """The value of one sample; None when it is not there."""
        return self.get((name, tuple(sorted(labels.items()))))

    def sum(self, name, **labels):
        """The sum over all samples that have these labels, whatever else they have."""
        wanted = set(labels.items())
        return sum(value for (found, pairs), value in self.items()
                   if found == name and wanted <= set(pairs))

    def names(self):
        return {name for name, _labels in self}

    def values(self, name, label):
        return {dict(pairs).get(label) for found, pairs in self if found == name}


def parse(text):
    metrics = Metrics()
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = SAMPLE.fullmatch(line).groups()
            key = name, tuple(sorted(LABEL.findall(labels or "")))
            assert key not in metrics, f"twice: {line}"
            metrics[key] = float(value)
    return metrics


def families(text):
    """{name of a family: its type}"""
    return dict(line.split(" ")[2:4] for line in text.splitlines() if line.startswith("# TYPE "))


def export(stack, categories=None, **more):
    """Switch the export on."""
    answer = stack.put(CONFIG, json={"prometheus_enabled": True,
                                     "prometheus_categories": categories or ALL,
                                     "prometheus_legacy_names": True} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def scrape_text(stack, query="", **headers):
    answer = stack.get(SCRAPE + query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.text


def scrape(stack, query="", **headers):
    return parse(scrape_text(stack, query, **headers))
