"""What can be set, and where a value comes from: a flag, else the environment, else a TOML file, else the default.

A group of settings is a module here; `Settings` is all of them.
"""

from bot.settings.model import (
    SettingReference,
    Settings,
    SettingsError,
    SettingValue,
    explain,
    load_settings,
    reference,
)

__all__ = ["SettingReference", "SettingValue", "Settings", "SettingsError", "explain", "load_settings", "reference"]
