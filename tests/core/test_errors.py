from mien.core import errors
from mien.core.errors import InputError, MienError, UnknownEmotionError, cause_of


def test_every_error_is_a_mien_error():
    known = [one for name in errors.__all__ if isinstance(one := getattr(errors, name), type)]
    assert len(known) > 1
    assert all(issubclass(one, MienError) for one in known)
    assert issubclass(InputError, ValueError)


def test_an_unknown_emotion_is_a_value_and_a_key_error_with_a_plain_message():
    error = UnknownEmotionError("unknown emotion 'x'")
    assert isinstance(error, InputError)
    assert isinstance(error, KeyError)
    assert str(error) == "unknown emotion 'x'"


def test_a_cause_is_told_without_number_and_path():
    assert cause_of(PermissionError(13, "Permission denied", "/a.jpg")) == "Permission denied"
    assert cause_of(OSError("the reader is gone")) == "the reader is gone"
    assert cause_of(ValueError("embedded null byte")) == "embedded null byte"
