"""What goes wrong is said in one sentence, in the visitor's language."""

import functools
import inspect
from collections.abc import Callable

import gradio as gr
from gradio.queueing import Queue

from demo.texts import language_of, say, translated


class RefusalError(ValueError):
    """A sentence of `texts.TEXTS` that ends an event: `RefusalError("no_photo")`."""

    def __init__(self, key: str, **values: object):
        super().__init__(say(key, "en", **values))
        self.key, self.values = key, values


def politely(event: Callable) -> Callable:
    """An event whose errors are one sentence on the page; it must take a `request`."""

    @functools.wraps(event)
    def polite(*args, **kwargs):
        bound = inspect.signature(event).bind(*args, **kwargs)
        language = language_of(bound.arguments.get("request"))
        try:
            return event(*args, **kwargs)
        except (ValueError, MemoryError) as error:
            raise gr.Error(sentence(error, language), print_exception=False) from error

    return polite


def sentence(error: ValueError | MemoryError, language: str) -> str:
    """An error's message in the visitor's language."""
    if isinstance(error, MemoryError):
        return say("too_much", language)
    if isinstance(error, RefusalError):
        return say(error.key, language, **error.values)
    return translated(str(error), language)


def answer_kindly_when_full(queue: Queue) -> None:
    """Replace Gradio's own sentence about the queue's size."""
    push = queue.push

    async def push_or_explain(body, request, username):
        done, answer, status = await push(body, request, username)
        if status == "queue_full" and "accept-language" in request.headers:
            # A browser has words of its own for this status, in English only; a program understands it.
            return False, say("busy", language_of(request)), "error"
        return done, answer, status

    queue.push = push_or_explain
