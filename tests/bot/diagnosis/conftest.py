import pytest

from tests.bot.diagnosis.pasting import FORMS


@pytest.fixture(params=FORMS)
def wrapped(request):
    """Puts what was pasted into one form after the other."""
    return FORMS[request.param]
