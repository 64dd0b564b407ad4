"""Error messages: one sentence, in the visitor's language."""

import functools
import inspect
import traceback
from collections.abc import Callable

import gradio as gr

from demo.texts import TEXTS, language_of, say, translated
from restoration.errors import RestorationError


class RefusalError(RestorationError):
    """An error whose message is in `texts.TEXTS`: `RefusalError("no_photo")`."""

    def __init__(self, key: str, **values: object):
        super().__init__(TEXTS[key][0], key, **values)


def politely(event: Callable) -> Callable:
    """Wrap an event so that errors become one sentence on the page; it must take a `request`.

    Bugs are also written to the server's log.
    """

    @functools.wraps(event)
    def polite(*args, **kwargs):
        try:
            return event(*args, **kwargs)
        except Exception as error:  # whatever goes wrong with one photo, the page survives
            words = sentence(error, _language(event, *args, **kwargs))
            raise gr.Error(words, print_exception=is_fault(error)) from error

    return polite


def in_place(event: Callable, view: dict[str, gr.blocks.Block], refusal: str = "refusal") -> Callable:
    """Wrap an event that returns new values for parts of a `view` by name.

    Errors are shown as one sentence in the part `refusal`, next to what was asked for, until the next try.
    """

    @functools.wraps(event)
    def answer(*args, **kwargs) -> dict:
        try:
            shown = {**event(*args, **kwargs), refusal: gr.Markdown(visible=False)}
        except Exception as error:  # whatever goes wrong with one photo, the page survives
            if is_fault(error):
                traceback.print_exception(error)
            shown = {refusal: gr.Markdown(sentence(error, _language(event, *args, **kwargs)), visible=True)}
        return {view[name]: value for name, value in shown.items()}

    return answer


def _language(event: Callable, *args, **kwargs) -> str:
    return language_of(inspect.signature(event).bind(*args, **kwargs).arguments.get("request"))


def sentence(error: Exception, language: str) -> str:
    """An error's message in the visitor's language."""
    if isinstance(error, RestorationError):
        return translated(error.sentence, language)
    return say("fault" if is_fault(error) else "too_much", language)


def is_fault(error: Exception) -> bool:
    """Whether an error is a bug: neither a refusal nor a lack of memory, for which runtimes have own errors."""
    return not isinstance(error, (RestorationError, MemoryError)) and "memory" not in str(error).lower()
