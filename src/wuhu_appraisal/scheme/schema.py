"""The JSON Schema of a scheme's YAML, generated from the models, for editors to point to."""

from typing import Any

from wuhu_appraisal.scheme.models import Scheme


def json_schema() -> dict[str, Any]:
    """The schema (draft 2020-12). Nothing is required at the top, as a scheme may be three files."""
    schema = Scheme.model_json_schema(by_alias=True)
    schema.pop("required", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
