import hashlib
import re
from importlib.resources import files

VENDOR = files("ops.serve").joinpath("static", "vendor")
STATIC = files("ops.serve").joinpath("static")


def test_what_others_have_written_is_as_they_have_published_it() -> None:
    noted = re.findall(
        r"^ +([0-9a-f]{64})  (\S+)$", VENDOR.joinpath("README.md").read_text(), re.MULTILINE
    )
    assert {name for _, name in noted} == {f.name for f in VENDOR.iterdir()} - {"README.md"}
    for wanted, name in noted:
        assert hashlib.sha256(VENDOR.joinpath(name).read_bytes()).hexdigest() == wanted


def test_no_file_of_ours_names_another_server_or_makes_markup_of_texts() -> None:
    own = [file for file in STATIC.iterdir() if file.name.endswith((".js", ".html", ".css"))]
    assert len(own) > 5
    for file in own:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
        assert "//" not in re.sub(r"(?m)(^|\s)//.*$", "", text), file.name


def test_before_the_first_answer_the_page_claims_neither_that_all_is_well_nor_that_it_is_not() -> (
    None
):
    page = STATIC.joinpath("index.html").read_text(encoding="utf-8")
    assert 'class="pulse waits"' in page
    assert ".pulse.waits .dot { background: var(--quiet); }" in STATIC.joinpath(
        "page.css"
    ).read_text(encoding="utf-8")
