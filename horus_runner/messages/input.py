"""What a person does with a joystick or a keyboard. Times are milliseconds of CLOCK_MONOTONIC."""

from __future__ import annotations

import time
from typing import Annotated

from horus_runner._core.records import Record
from horus_runner.messages.define import f32, message, u32, u64


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


@message
class JoystickInput(Record):
    """One change of one part of a joystick, or that it was plugged in or out; without `event_type`, of a button."""

    __topic_name__ = "joystick"

    joystick_id: u32 = 0
    element_id: u32 = 0  # which button, axis or hat
    value: f32 = 0.0  # of an axis -1 to 1; of a button 0 or 1; of a hat as its driver gives it
    pressed: bool = False  # of a button; of a connection: plugged in
    event_type: Annotated[str, 16] = "button"  # "button", "axis", "hat" or "connection"
    element_name: Annotated[str, 32] = ""
    timestamp_ms: u64 = 0

    @classmethod
    def new_button(cls, joystick_id: int, button_id: int, name: str, pressed: bool) -> JoystickInput:
        return cls(joystick_id, button_id, float(pressed), pressed, "button", name, _now_ms())

    @classmethod
    def new_axis(cls, joystick_id: int, axis_id: int, name: str, value: float) -> JoystickInput:
        return cls(joystick_id, axis_id, value, False, "axis", name, _now_ms())

    @classmethod
    def new_hat(cls, joystick_id: int, hat_id: int, name: str, value: float) -> JoystickInput:
        return cls(joystick_id, hat_id, value, False, "hat", name, _now_ms())

    @classmethod
    def new_connection(cls, joystick_id: int, connected: bool) -> JoystickInput:
        return cls(joystick_id, 0, float(connected), connected, "connection", "", _now_ms())

    def is_button(self) -> bool:
        return self.event_type == "button"

    def is_axis(self) -> bool:
        return self.event_type == "axis"

    def is_hat(self) -> bool:
        return self.event_type == "hat"

    def is_connection_event(self) -> bool:
        return self.event_type == "connection"

    def is_connected(self) -> bool:
        """Whether this says that the joystick was plugged in."""
        return self.is_connection_event() and self.pressed


@message
class KeyboardInput(Record):
    """A key that was pressed or let go."""

    __topic_name__ = "keyboard"

    CTRL, ALT, SHIFT, SUPER = 1, 2, 4, 8  # bits of modifier_flags

    key_name: Annotated[str, 32]
    code: u32  # the keyboard's own
    pressed: bool
    modifier_flags: u32
    timestamp_ms: u64

    def __init__(
        self, key_name: str = "", code: int = 0, pressed: bool = True, modifiers: int = 0, *, timestamp_ms: int = 0
    ) -> None:
        self.key_name = key_name
        self.code = code
        self.pressed = pressed
        self.modifier_flags = modifiers
        self.timestamp_ms = timestamp_ms

    def is_ctrl(self) -> bool:
        """Whether Ctrl was held."""
        return bool(self.modifier_flags & self.CTRL)

    def is_alt(self) -> bool:
        """Whether Alt was held."""
        return bool(self.modifier_flags & self.ALT)

    def is_shift(self) -> bool:
        """Whether Shift was held."""
        return bool(self.modifier_flags & self.SHIFT)
