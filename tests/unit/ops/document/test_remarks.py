from ops.document import remarks

FILE = '''
# Of those who pay,
# and of those who do not.
source = "public.a#b"   # not "#b"
where  = """
x = '# no comment'
"""  # they left

[columns]  # all of them
# Beside it.
id = { uuid = true }
name = 'a # b'
tags = { json = [
    "one",  # the first
    "two",
] }
# The last word is nobody's.
'''


def test_a_comment_belongs_to_the_key_that_it_stands_above_or_behind() -> None:
    found = remarks.read(FILE)
    assert found.head == "Of those who pay, and of those who do not."
    assert dict(found.keys) == {
        "source": 'not "#b"',
        "where": "they left",
        "columns.id": "all of them Beside it.",
        "columns.tags": "the first",
    }


def test_a_file_without_comments_says_nothing() -> None:
    assert remarks.read('source = "a.b"') == remarks.Remarks()
