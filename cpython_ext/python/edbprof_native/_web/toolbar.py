"""The panel of django-debug-toolbar."""

import base64

from debug_toolbar.panels import Panel as ToolbarPanel
from django.utils.html import escape
from django.utils.safestring import mark_safe

from .. import _native, _page

TYPE_CHECKING = False  # see ../_decorator.py
if TYPE_CHECKING:
    from typing import Any


class Panel(ToolbarPanel):
    """Records each request whose toolbar is shown, and shows the page of `edbprof view`."""

    title = nav_title = "edbprof"
    nav_subtitle = ""
    has_content = True
    # One request is recorded in one thread.
    is_async = False

    def process_request(self, request: "Any") -> "Any":
        self._recorder = _native.Recorder(live_dir="", max_nodes=1 << 18)
        return _native.Decorated(super().process_request, self._recorder)(request)

    def generate_stats(self, request: "Any", response: "Any") -> None:
        recorder = self.__dict__.pop("_recorder", None)
        if recorder is not None:
            # The toolbar may keep it as JSON.
            self.record_stats({"encoded": base64.b64encode(recorder.encode()).decode()})
            recorder.abandon()

    @property
    def content(self) -> str:
        encoded = (self.get_stats() or {}).get("encoded")
        if encoded is None:
            return mark_safe("<p>This request was not recorded.</p>")  # type: ignore[no-any-return]
        try:
            page = _page.render(base64.b64decode(encoded))
        except OSError as error:
            return mark_safe(f"<p>{escape(error)}</p>")  # type: ignore[no-any-return]
        return mark_safe(_page.frame(page))  # type: ignore[no-any-return]
