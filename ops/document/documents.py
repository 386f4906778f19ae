"""All documents of a migration, by the names of their files. Pure."""

from ops.document import coverage, data_model, detail, overview, topics
from ops.document.model import Model
from ops.document.printing import printed
from ops.document.shapes import COLOURS


def documents(model: Model) -> dict[str, str]:
    """The text of each file."""
    pictures = {
        data_model.picture(domain): detail.diagram(model, domain, number % COLOURS)
        for number, domain in enumerate(model.domains)
    }
    return {
        f"{data_model.NAME}.md": data_model.page(model),
        data_model.picture(): overview.diagram(model),
        **pictures,
        topics.NAME: printed(topics.document(model)) + "\n",
        coverage.NAME: coverage.page(model),
    }
