import os
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import encoded, photograph

import disclose
from disclose import Profile
from disclose.configuration.presets import DEFAULT_LAYERS, PRESETS
from disclose.configuration.roles import ROLES
from disclose.configuration.settings import PRESETS as PRESET_NAMES
from disclose.configuration.settings import ROLES as ROLE_NAMES
from disclose.configuration.settings import SETTINGS, STATEMENT
from disclose.errors import IdentityError, ProfileError
from disclose.profile import default_profile

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
CALIFORNIA = {"provider": "Acme", "system": "Studio", "version": "2"}


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A project's folder, which the test works in."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def written(folder, text, name="disclose.toml"):
    path = folder / name
    path.write_text(text)
    return path


def test_code_comes_before_the_environment_before_the_file_before_the_preset(project, monkeypatch):
    def found():
        profile = Profile.load(**given)
        return profile.timestamp_outage, profile.origins["timestamp_outage"]

    given = {"preset": "eu"}
    assert found() == ("fail", "preset eu")
    path = written(project, 'timestamp_outage = "unstamped"')
    assert found() == ("unstamped", f"{path}: timestamp_outage")
    monkeypatch.setenv("DISCLOSE_TIMESTAMP_OUTAGE", "fail")
    assert found() == ("fail", "DISCLOSE_TIMESTAMP_OUTAGE")
    given["timestamp_outage"] = "unstamped"
    assert found() == ("unstamped", "code")


def test_each_field_of_the_statement_comes_from_its_own_source(project, monkeypatch):
    written(project, '[statement]\nsystem = "Studio"\nversion = "1"\nprovider = "Acme"')
    monkeypatch.setenv("DISCLOSE_VERSION", "2")
    profile = Profile.load(statement={"provider": "Acme GmbH"})
    assert dict(profile.statement) == {"system": "Studio", "version": "2", "provider": "Acme GmbH"}
    assert profile.disclosure(version="3").version == "3"


EXAMPLES = {
    "preset": "development",
    "role": "provider",
    "layers": ("c2pa", "ledger"),
    "also_read": ("iptc",),
    "optional": frozenset({"ledger"}),
    "strength": 1.5,
    "signer_reference": "package.module:function",
    "tokenizers": ("package.module:function",),
    "ledger_url": "postgresql://disclose@db.example/ledger",
    "ledger_retention": 400.5,
    "timestamp_url": "http://stamps.example/tsr",
    "timestamp_outage": "unstamped",
    "legacy_message": "flux",
    "aigc_producer": "0011A",
    "media": ("image/*",),
    "routes": ("/draw",),
    "notice": False,
    **dict.fromkeys(("obvious", "m2m", "assistive"), "a reason in writing, long enough"),
    "statement.action": "altered",
    "statement.source_type": "compositeSynthetic",
}


def example(name, folder):
    """A value of the setting *name* as the profile holds it."""
    if name in EXAMPLES:
        return EXAMPLES[name]
    if (default := Profile().values().get(name)) is False:
        return True
    if name in ("retired_certificates", "base_cards", "text_key_files"):
        return (folder / "one.pem", folder / "two.pem")
    return "some text" if name.startswith(STATEMENT) or isinstance(default, str) else folder / "some" / "path"


def in_toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, frozenset)):
        return "[" + ", ".join(map(in_toml, value)) + "]"
    return str(value) if isinstance(value, float) else f'"{value}"'


def in_the_environment(value):
    if isinstance(value, (tuple, frozenset)):
        return (os.pathsep if os.sep in str(value) else ",").join(map(str, value))
    return "1" if value is True else str(value)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_can_be_set_in_code_in_the_environment_and_in_a_file(name, project, monkeypatch):
    value = example(name, project)
    bare = name.removeprefix(STATEMENT)
    in_code = {"statement": {bare: value}} if name.startswith(STATEMENT) else {name: value}
    assert Profile.load(**in_code).values()[name] == value
    table = "[statement]\n" if name.startswith(STATEMENT) else ""
    path = written(project, f"{table}{bare} = {in_toml(value)}")
    monkeypatch.delenv("DISCLOSE_HOME")
    assert Profile.load().values()[name] == value
    path.unlink()
    monkeypatch.setenv(SETTINGS[name].environment, in_the_environment(value))
    assert Profile.load().values()[name] == value


def test_the_settings_are_the_fields_of_a_profile():
    from dataclasses import fields

    own = {field.name for field in fields(Profile) if field.init} - {"statement", "origins"}
    assert own == {name for name in SETTINGS if not name.startswith(STATEMENT)}


def test_the_nearest_file_upwards_is_read_and_paths_in_it_begin_at_its_folder(project, monkeypatch):
    written(project, 'private_key = "keys/own.pem"\nretired_certificates = ["old.pem", "/etc/older.pem"]')
    (deeper := project / "source" / "package").mkdir(parents=True)
    monkeypatch.chdir(deeper)
    profile = Profile.load()
    assert profile.private_key == project / "keys" / "own.pem"
    assert [str(path) for path in profile.retired_certificates] == [str(project / "old.pem"), "/etc/older.pem"]


def test_a_pyproject_counts_where_it_has_our_table_and_comes_after_our_own_file(project, monkeypatch):
    written(project, '[tool.disclose.statement]\nsystem = "Outer"', "pyproject.toml")
    (inner := project / "inner").mkdir()
    monkeypatch.chdir(inner)
    written(inner, "[tool.ruff]\nline-length = 100", "pyproject.toml")
    assert Profile.load().statement["system"] == "Outer"
    written(inner, "[tool.disclose]\nstrength = 1.25", "pyproject.toml")
    assert Profile.load().strength == 1.25
    written(inner, "strength = 1.5")
    assert Profile.load().strength == 1.5


def test_one_variable_names_the_file(project, tmp_path, monkeypatch):
    written(project, "strength = 1.5")
    monkeypatch.setenv("DISCLOSE_CONFIG", str(written(tmp_path, "strength = 1.25", "other.toml")))
    assert Profile.load().strength == 1.25
    monkeypatch.setenv("DISCLOSE_CONFIG", str(tmp_path / "missing.toml"))
    with pytest.raises(ProfileError, match=r"missing\.toml"):
        Profile.load()


def test_a_file_of_another_user_decides_nothing_until_it_is_named(project, monkeypatch):
    path = written(project, "strength = 1.5")
    if os.geteuid() == 0:
        os.chown(path, 12345, 12345)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(ProfileError, match="belongs to another user"):
        Profile.load()
    monkeypatch.setenv("DISCLOSE_CONFIG", str(path))
    assert Profile.load().strength == 1.5


def test_the_default_profile_stays_until_environment_or_file_change(project, monkeypatch):
    path = written(project, "strength = 1.5")
    first = default_profile()
    assert default_profile() is first
    path.write_text("strength = 1.25 # changed")
    assert default_profile().strength == 1.25
    monkeypatch.setenv("DISCLOSE_STRENGTH", "2")
    assert default_profile().strength == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layer = ['c2pa']", r"disclose\.toml: there is no setting 'layer'; did you mean 'layers'\?"),
        ("layers = ['c2pa', 'fingerpint']", r"disclose\.toml: layers: there is no layer 'fingerpint'; .*'fingerprint'"),
        ("preset = 'californa'", r"preset takes one of .*'californa' is unknown; did you mean 'california'\?"),
        ("role = 'deploier'", r"role takes .* did you mean 'deployer'\?"),
        ("provider = 'Acme'", r"'provider' is part of the statement: write it under \[statement\]"),
        ("[statement]\nprovdier = 'Acme'", r"there is no 'provdier' in a statement; did you mean 'provider'\?"),
        ("statement = 'Acme'", r"statement takes a table"),
        ("production = 'yes'", r"disclose\.toml: production takes true or false .*: it is text"),
        ("strength = true", r"strength takes a number greater than 0: it is a boolean"),
        ("strength = -1", r"strength takes a number greater than 0"),
        ("layers = 'c2pa'", r"layers takes a list of names"),
        ("certificates = ['a.pem']", r"certificates takes a path: it is a list"),
        ("retired_certificates = 'a.pem'", r"retired_certificates takes a list of paths"),
        ("timestamp_url = 'stamps.example'", r"timestamp_url takes an http\(s\) address"),
        ("timestamp_outage = 'ignore'", r"timestamp_outage takes one of 'fail', 'unstamped'"),
        ("signer_reference = 'module.function'", r"signer_reference takes a reference of the form"),
        ("aigc_producer = 'Acme GmbH'", r"aigc_producer takes a code"),
        ("folder = ''", r"folder takes a path: it is empty"),
        ("strength = ", r"disclose\.toml: Invalid value"),
    ],
)
def test_what_is_misspelt_or_of_another_kind_is_refused_by_name(text, said, project):
    written(project, text)
    with pytest.raises(ProfileError, match=said):
        Profile.load()


SECRET = "5f2b9c0d1e3a4b5c6d7e8f9012345678aabbccdd"  # noqa: S105 - it opens nothing


@pytest.mark.parametrize(
    "text",
    [
        f"watermark_key = '{SECRET}'",
        f"watermark_key_file = '{SECRET}'",
        f"watermark_key_file = '{SECRET[:31]}+x/abcd='",
        f"private_key_password = '{SECRET}'",
        f"api_key = '{SECRET}'",
        f"private_key = '''-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----'''",
        f"timestamp_url = 'https://user:{SECRET}@stamps.example'",
        f"[statement]\ndetector = 'https://user:{SECRET}@check.example'",
        f"[statement]\ntoken = '{SECRET}'",
    ],
)
def test_a_secret_in_the_configuration_is_refused_and_not_repeated(text, project):
    written(project, text)
    with pytest.raises(ProfileError, match=r"secrets stand in no|the secret itself|would land in logs") as caught:
        Profile.load()
    assert SECRET[:30] not in str(caught.value)


def test_a_secret_in_the_environment_is_refused_and_not_repeated(monkeypatch):
    monkeypatch.setenv("DISCLOSE_PRIVATE_KEY", f"-----BEGIN PRIVATE KEY-----\n{SECRET}")
    with pytest.raises(ProfileError, match="DISCLOSE_PRIVATE_KEY holds a secret") as caught:
        Profile.load()
    assert SECRET not in str(caught.value)
    monkeypatch.delenv("DISCLOSE_PRIVATE_KEY")
    monkeypatch.setenv("DISCLOSE_WATERMARK_KEY", SECRET)
    with pytest.raises(ProfileError, match="watermark_key_file") as caught:
        Profile.load()
    assert SECRET not in str(caught.value)


def test_a_setting_misspelt_in_code_is_refused_by_name():
    with pytest.raises(ProfileError, match="did you mean 'certificates'"):
        Profile.load(certificate="a.pem")
    with pytest.raises(ProfileError, match="strength takes a number"):
        Profile(strength="strong")


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)
names = st.sampled_from(sorted(SETTINGS)) | st.just("statement") | st.text(max_size=30)


@given(st.dictionaries(names, anything | st.dictionaries(names, anything, max_size=2), max_size=4))
def test_whatever_code_says_is_a_profile_or_a_profile_error(settings):
    with suppress(ProfileError):
        assert isinstance(Profile.load(**settings), Profile)


def test_presets_and_roles_are_those_that_can_be_named():
    assert tuple(PRESETS) == PRESET_NAMES
    assert tuple(ROLES) == ROLE_NAMES


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_gives_known_settings_values_of_their_kind_with_a_clause(name):
    for setting, choice in PRESETS[name].choices.items():
        assert SETTINGS[setting].kind.take(choice.value) == choice.value
        assert choice.clause
    for requirement in (
        *PRESETS[name].requirements,
        *(r for role in ROLES.values() for d in role.duties for r in d.requirements),
    ):
        assert requirement.setting in SETTINGS
        assert requirement.clause
        assert requirement.reason


def test_without_a_preset_everything_is_as_it_was():
    profile = Profile.load()
    assert (profile.preset, profile.layers, profile.timestamp_url) == (None, DEFAULT_LAYERS, None)
    assert profile.missing() == ()
    assert profile.disclosure().system == "unnamed AI system"


def test_california_asks_for_provider_system_and_version_by_their_clauses():
    profile = Profile.load(preset="california")
    with pytest.raises(ProfileError) as caught:
        profile.disclosure()
    for expected in ("22757.3(a)(1)(A)", "22757.3(a)(1)(B)", "DISCLOSE_PROVIDER", "statement.version"):
        assert expected in str(caught.value)
    assert profile.disclosure(**CALIFORNIA).provider == "Acme"


def test_what_a_call_leaves_empty_is_missing_all_the_same():
    with pytest.raises(ProfileError, match=r"statement\.provider"):
        Profile.load(preset="california").disclosure(**{**CALIFORNIA, "provider": ""})


def test_the_eu_asks_for_a_timestamp_only_of_those_who_sign_as_themselves(tmp_path):
    detector = {"detector": "https://check.example"}
    assert not [one for one in Profile.load(preset="eu", statement=detector).missing() if one.binding]
    own = Profile.load(preset="eu", statement=detector, certificates=tmp_path / "c", private_key=tmp_path / "k")
    with pytest.raises(ProfileError, match=r"timestamp_url.*Sub-measure 1\.1\.1"):
        own.marker()
    stamped = Profile.load(
        preset="eu", signer_reference="a:b", timestamp_url="http://stamps.example", statement=detector
    )
    assert not [one for one in stamped.missing() if one.binding]


def test_a_layer_that_the_clause_asks_for_cannot_be_left_out_by_mistake():
    with pytest.raises(ProfileError, match=r"layers lacks 'image_watermark'.*Sub-measure 1\.1\.2"):
        Profile.load(preset="eu", layers=("c2pa", "ledger")).marker()


def test_china_asks_for_its_implicit_label_its_producer_code_and_a_label_people_see():
    profile = Profile.load(preset="china")
    assert {"label", "aigc"} <= set(profile.layers)
    assert profile.label_language == "zh-Hans"
    unlabelled = (*DEFAULT_LAYERS, "aigc")
    with pytest.raises(ProfileError, match=r"aigc_producer.*Annex E.*layers lacks 'label'"):
        Profile.load(preset="china", layers=unlabelled).marker()
    elsewhere = Profile.load(preset="china", aigc_producer="0011A", layers=unlabelled, labelled_elsewhere=True)
    assert elsewhere.missing() == ()


def test_china_s_picture_carries_both_labels_whatever_the_order_of_the_layers():
    profile = Profile.load(preset="china", aigc_producer="0011A", layers=("aigc", *DEFAULT_LAYERS, "label"))
    marked = disclose.mark(photograph(), profile, system="Studio")
    verdict = disclose.verify(marked.data, profile)
    assert verdict.outcome == "disclosed"
    assert {"label", "aigc", "image_watermark", "c2pa"} <= {item.layer for item in verdict.evidence}


def test_global_asks_for_what_all_the_others_ask_for():
    everywhere = PRESETS["global"]
    for name in ("eu", "california", "china"):
        assert set(PRESETS[name].choices["layers"].value) <= set(everywhere.choices["layers"].value)
        asked = {(one.setting, one.holds): one.binding for one in everywhere.requirements}
        assert all(asked[one.setting, one.holds] >= one.binding for one in PRESETS[name].requirements)


def test_a_picture_is_marked_under_a_preset_and_refused_without_its_statement():
    profile = Profile.load(preset="california")
    with pytest.raises(ProfileError, match="the provider"):
        disclose.mark(photograph(), profile, system="Studio")
    assert disclose.mark(photograph(), profile, **CALIFORNIA).disclosure.version == "2"


def test_a_deployer_of_deepfakes_needs_a_label_that_people_see():
    given = {"preset": "eu", "role": "deployer", "statement": {"detector": "https://check.example"}}
    assert not [one for one in Profile.load(**given).missing() if one.binding]
    with pytest.raises(ProfileError, match=r"'label'.*Art\. 50\(4\)"):
        Profile.load(**given, deepfakes=True).marker()
    Profile.load(**given, deepfakes=True, labelled_elsewhere=True).marker()


def test_a_provider_needs_the_machine_readable_mark_and_a_model_publisher_a_card():
    settings = {one.setting for one in Profile.load(preset="eu", role="model publisher").missing() if one.binding}
    assert "model_card" in settings
    lacking = Profile.load(preset="eu", role="provider", layers=("iptc", "ledger")).missing()
    assert [one.holds for one in lacking if "Art. 50(2); Code of Practice, Measure 1.1" in one.clause] == [
        "c2pa",
        "image_watermark",
    ]


def test_no_duty_says_that_anybody_complies():
    texts = [str(value) for role in ROLES.values() for duty in role.duties for value in vars(duty).values()]
    assert not [text for text in texts if "complian" in text.lower() or "you comply" in text.lower()]


def test_the_signer_is_made_by_the_function_that_the_profile_names(project, monkeypatch):
    written(
        project,
        "from pathlib import Path\nfrom disclose.signing import Signer\n\n\ndef signer():\n"
        "    return Signer.development(Path(__file__).parent / 'identity')\n",
        "our_signing.py",
    )
    monkeypatch.syspath_prepend(str(project))
    monkeypatch.delitem(sys.modules, "our_signing", raising=False)
    profile = Profile.load(signer_reference="our_signing:signer", timestamp_url="http://stamps.example")
    assert profile.signer().is_development
    assert profile.signer().timestamp_url == "http://stamps.example"
    with pytest.raises(IdentityError, match="production=True refuses"):
        profile.for_production().signer()
    with pytest.raises(ProfileError, match="the one or the other"):
        Profile.load(signer_reference="our_signing:signer", private_key="k").signer()


def test_retired_certificates_are_still_our_own(tmp_path):
    earlier = Profile(folder=tmp_path / "earlier").signer()
    (tmp_path / "earlier.pem").write_bytes(earlier.certificates)
    profile = Profile(folder=tmp_path / "now", retired_certificates=(tmp_path / "earlier.pem",))
    assert profile.signer().serial_numbers == {profile.signer().serial_number, earlier.serial_number}
    ours = disclose.mark(encoded(photograph()), Profile(folder=tmp_path / "earlier"), system="Studio")
    assert disclose.mark(ours.data, profile, system="Studio").data == ours.data
    (tmp_path / "broken.pem").write_text("nothing")
    with pytest.raises(IdentityError, match=r"broken\.pem"):
        Profile(folder=tmp_path / "now", retired_certificates=(tmp_path / "broken.pem",)).signer()


def test_a_gradio_app_that_lacks_what_the_preset_asks_for_is_refused_when_it_is_made(tmp_path):
    gradio = pytest.importorskip("gradio")
    from disclose.integrations.gradio import disclosed

    incomplete = Profile(folder=tmp_path, preset="california")
    with pytest.raises(ProfileError, match=r"22757\.3\(a\)\(1\)\(A\)"):
        disclosed(gradio.Interface(lambda text: text, "text", "text"), incomplete)
    disclosed(gradio.Interface(lambda text: text, "text", "text"), incomplete, **CALIFORNIA)
