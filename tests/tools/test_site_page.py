"""The page without an installation: what it offers exists, and what is missing is told."""

import pytest

from clipbench.errors import UserError
from clipbench_widgets.core.example_pictures import SCENES
from clipbench_widgets.core.theme import DARK, LIGHT
from tools import npm
from tools.site import build as site


def test_every_try_names_a_model_a_picture_and_a_template_of_the_page():
    for title, parts in site.TRIES:
        state = site.START | parts
        assert state["model"] in [each.name for each in site.MODELS], title
        assert state["picture"] in SCENES, title
        assert state["template"] in [*site.TEMPLATES, "{}"], title
        assert state.keys() == site.START.keys(), title


def test_the_page_has_the_colours_of_the_apps():
    assert LIGHT["accent"] in site.theme()
    assert site.theme().count(DARK["accent"]) == 2  # by the system, and as chosen


def test_every_part_of_the_folder_has_a_licence():
    text = site.licences()
    for word in (
        "Noto Color Emoji",
        "DejaVu",
        "Unicode",
        "Microsoft",
        "Permission is hereby granted",
    ):
        assert word in text


def test_links_need_an_address(monkeypatch):
    monkeypatch.setattr(site, "project_address", lambda: None)
    assert site.links() == []
    monkeypatch.setattr(site, "project_address", lambda: "https://github.com/someone/clipbench")
    assert "Lessons on Binder" in [each["title"] for each in site.links()]


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="holds something else"):
        site.build(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_the_offline_list_has_every_file_and_a_version_of_its_own(tmp_path):
    versions = set()
    for content in ("one", "two"):
        (tmp_path / "offline.js").write_text("'/*version*/' [/*files*/]")
        (tmp_path / "main.js").write_text(content)
        site.write_offline(tmp_path)
        script = (tmp_path / "offline.js").read_text()
        assert '["./", "main.js"]' in script
        versions.add(script)
    assert len(versions) == 2


def test_without_npm_a_sentence_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(npm, "KEPT", tmp_path)
    monkeypatch.setattr(npm.shutil, "which", lambda name: None)
    with pytest.raises(UserError, match=r"axe-core@1\.2\.3 comes from npm, which is not installed"):
        npm.package("axe-core", "1.2.3")


def test_a_folder_that_is_no_runtime_is_told(tmp_path):
    with pytest.raises(UserError, match="has no dist/"):
        site.copy_runtime(tmp_path, tmp_path / "onnxruntime")


def test_a_build_that_fails_leaves_the_page_that_was_there(tmp_path):
    out = tmp_path / "site"
    out.mkdir()
    (out / "site.json").write_text("{}")
    with pytest.raises(UserError, match="it has no dist/"):
        site.build(out, runtime=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    assert (out / "site.json").read_text() == "{}"
