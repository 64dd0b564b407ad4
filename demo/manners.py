"""What goes wrong is said in one sentence, in the visitor's language."""

import functools
import inspect
import traceback
from collections.abc import Callable

import gradio as gr

from demo.texts import TEXTS, language_of, say, translated
from restoration.errors import RestorationError


class RefusalError(RestorationError):
    """A sentence of `texts.TEXTS` that ends an event: `RefusalError("no_photo")`."""

    def __init__(self, key: str, **values: object):
        super().__init__(TEXTS[key][0], key, **values)


def politely(event: Callable) -> Callable:
    """An event whose errors are one sentence on the page; it must take a `request`.

    What is a fault of ours is told to the server's log as well.
    """

    @functools.wraps(event)
    def polite(*args, **kwargs):
        try:
            return event(*args, **kwargs)
        except Exception as error:  # whatever one photo makes of the networks, the page stays
            words = sentence(error, _language(event, *args, **kwargs))
            raise gr.Error(words, print_exception=is_fault(error)) from error

    return polite


def in_place(event: Callable, view: dict[str, gr.blocks.Block], refusal: str = "refusal") -> Callable:
    """An event of the page, which returns new values of parts of a `view` by their names.

    One part is the refusal beside what was asked: an error is read there, until the next try, as one sentence.
    """

    @functools.wraps(event)
    def answer(*args, **kwargs) -> dict:
        try:
            shown = {**event(*args, **kwargs), refusal: gr.Markdown(visible=False)}
        except Exception as error:  # whatever one photo makes of the networks, the page stays
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
    """Whether an error is neither a refusal nor want of memory, for which OpenCV and the runtimes have their own."""
    return not isinstance(error, (RestorationError, MemoryError)) and "memory" not in str(error).lower()
