"""The resolution API does what C2PA's OpenAPI description 1.1.0 asks of it, so that its clients work here unchanged.

That description (C2PA 2.4, Decoupled Lookup of Manifests, CC BY 4.0) is told here in a table. Two sentences of it do
not hold. Each entry of ``watermarks`` would have to contain a list ``watermarks`` or ``fingerprints`` of its own; and
of a file at an address no ``region`` is looked at by itself: who asks for one is refused.
"""

import pytest

from disclose.detector import Settings
from disclose.detector.openapi import document

ALG, VALUE = ("alg", "query"), ("value", "query")
RESULTS = {("maxResults", "query"): (False, "integer")}
HINTED = {ALG: (False, "string"), ("hintAlg", "query"): (False, "string"), ("hintValue", "query"): (False, "string")}
PUBLISHED = {
    ("/matches/byBinding", "get"): (
        "queryByBinding",
        {ALG: (True, "string"), VALUE: (True, "string"), **RESULTS},
        "application/json",
    ),
    ("/matches/byBinding", "post"): ("queryByLargeBinding", RESULTS, "application/json"),
    ("/matches/byContent", "post"): (
        "uploadFile",
        {**HINTED, **RESULTS},
        "application/json",
    ),
    ("/matches/byReference", "post"): ("queryByReference", {**HINTED, **RESULTS}, "application/json"),
    ("/manifests/{manifestId}", "get"): (
        "getManifestById",
        {("manifestId", "path"): (True, "string"), ("returnActiveManifest", "query"): (False, "boolean")},
        "application/c2pa",
    ),
    ("/services/supportedAlgorithms", "get"): ("getSupportedBindings", {}, "application/json"),
}
REFUSALS = {
    "/matches/byBinding": {"400"},
    "/matches/byContent": {"400", "415"},
    "/matches/byReference": {"400"},
    "/manifests/{manifestId}": {"400", "404"},
    "/services/supportedAlgorithms": set(),
}


@pytest.fixture(scope="module")
def described():
    return document(Settings(manifests=True))


@pytest.mark.parametrize("place", PUBLISHED, ids=" ".join)
def test_an_operation_is_called_as_it_is_published(described, place):
    path, method = place
    name, parameters, content = PUBLISHED[place]
    ours = described["paths"][path][method]
    assert ours["operationId"] == name
    taken = {(one["name"], one["in"]): (one["required"], one["schema"]["type"]) for one in ours.get("parameters", [])}
    assert taken == parameters
    assert content in ours["responses"]["200"]["content"]
    assert REFUSALS[path] <= set(ours["responses"])


def test_any_number_of_results_may_be_asked_for_and_ten_are_usual(described):
    (results,) = [
        one for one in described["paths"]["/matches/byContent"]["post"]["parameters"] if one["name"] == "maxResults"
    ]
    assert results["schema"] == {"type": "integer", "minimum": 1, "default": 10}


def test_a_binding_is_posted_with_what_is_published(described):
    content = described["paths"]["/matches/byBinding"]["post"]["requestBody"]["content"]["application/json"]
    assert content["schema"]["required"] == ["alg", "value"]
    assert {name: one["type"] for name, one in content["schema"]["properties"].items()} == {
        "alg": "string",
        "value": "string",
    }


def test_a_reference_is_stated_as_it_is_published(described):
    content = described["paths"]["/matches/byReference"]["post"]["requestBody"]["content"]["application/json"]
    assert content["schema"]["required"] == ["referenceUrl", "assetLength"]
    stated = content["schema"]["properties"]
    types = {"referenceUrl": "string", "assetLength": "integer", "assetType": "string", "region": "array"}
    assert {name: one["type"] for name, one in stated.items()} == types
    assert (stated["referenceUrl"]["format"], stated["referenceUrl"]["pattern"]) == ("uri", "^https://.*")


def test_answers_have_the_published_members(described):
    schemas = described["components"]["schemas"]
    match = schemas["Matches"]["properties"]["matches"]["items"]
    assert match["required"] == ["manifestId"]
    assert {"manifestId", "endpoint", "similarityScore"} <= set(match["properties"])
    score = match["properties"]["similarityScore"]
    assert (score["type"], score["minimum"], score["maximum"]) == ("integer", 0, 100)
    algorithms = schemas["Algorithms"]["properties"]
    assert set(algorithms) == {"watermarks", "fingerprints"}
    assert all(one["items"]["required"] == ["alg"] for one in algorithms.values())
