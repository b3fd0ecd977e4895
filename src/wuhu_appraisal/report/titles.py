"""What groups and adjustments are called where two must not be taken for one another."""

from wuhu_appraisal.scheme.models import Scheme


def group_titles(scheme: Scheme) -> dict[str, str]:
    """What each group is called, by its id; told apart where two have one title."""
    titles = [str(group.title).casefold() for group in scheme.groups]
    return {
        group.id: f"{group.title} ({group.id})"
        if titles.count(str(group.title).casefold()) > 1
        else str(group.title)
        for group in scheme.groups
    }


def adjustment_titles(scheme: Scheme) -> dict[str, str]:
    """What each adjustment is called, by its id; told apart where a group has two of one title."""
    called: dict[tuple[str, str], int] = {}
    for item in scheme.adjustments:
        for group in item.groups:
            key = (group, str(item.title))
            called[key] = called.get(key, 0) + 1
    return {
        item.id: f"{item.title} ({item.id})"
        if any(called[group, str(item.title)] > 1 for group in item.groups)
        else str(item.title)
        for item in scheme.adjustments
    }
