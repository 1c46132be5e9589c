"""The web page: ask, follow up, read entries. Server-rendered; its one script only saves waiting and reloading."""
