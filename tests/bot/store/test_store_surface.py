"""What the store shows of itself, what it loads, and that its tables are what its migrations make."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import setuptools
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import bot.store
from bot.settings.store_url import StoreUrl
from bot.store import Store
from bot.store.schema import REVISION, metadata

ROOT = Path(__file__).parents[3]
MIGRATIONS = ROOT / "bot" / "store" / "migrations"


def loaded_by(script: str, *modules: str) -> list[str]:
    code = f"{script}\nimport sys; print(*sorted(set(sys.modules) & set({modules!r})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.split()


def opened(url: str) -> str:
    async def steps():
        async with Store(StoreUrl(url), seconds=30) as store:
            await store.check()

    asyncio.run(steps())
    return url


def test_what_is_public_can_be_imported():
    names = bot.store.__all__
    assert names == sorted(set(names), key=lambda name: (not name[0].isupper(), name))
    assert all(hasattr(bot.store, name) for name in names)


def test_settings_load_nothing_of_the_store():
    assert loaded_by("import bot.settings", "sqlalchemy", "alembic", "psycopg", "bot.store") == []


def test_a_store_that_has_its_tables_opens_without_alembic(tmp_path):
    url = opened(f"sqlite:///{tmp_path}/acknet.db")
    script = f"""
import asyncio
from bot.store import Store
from bot.settings.store_url import StoreUrl
async def main():
    async with Store(StoreUrl({url!r}), seconds=30) as store:
        await store.check()
asyncio.run(main())
"""
    assert loaded_by(script, "sqlalchemy", "alembic", "psycopg", "greenlet") == ["sqlalchemy"]


def test_the_migrations_make_the_tables_of_the_code(new_url):
    url = opened(new_url())
    if url.startswith("sqlite"):
        engine = create_engine(url)
    else:
        engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == REVISION
    engine.dispose()


def test_the_revision_that_the_code_expects_is_the_last_migration():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_the_migrations_are_installed_with_the_package():
    assert "bot.store.migrations.versions" in setuptools.find_packages(str(ROOT), include=["bot*"])
    for path in (MIGRATIONS / "versions").glob("v*.py"):
        assert f'revision = "{path.name[1:5]}"' in path.read_text()


@pytest.mark.parametrize("of", ["sqlite", "postgresql"])
def test_stores_of_one_process_open_side_by_side(of, tmp_path, request):
    if of == "sqlite":
        urls = [f"sqlite:///{tmp_path}/{number % 2}.db" for number in range(6)]
    else:
        server = request.getfixturevalue("postgres")
        urls = [server.new_database(), server.new_database()] * 3

    async def steps():
        stores = [Store(StoreUrl(url), seconds=30) for url in urls]
        await asyncio.gather(*(store.check() for store in stores))
        won = await asyncio.gather(*(store.outbox.enqueue("answer-1", {}) for store in stores))
        for store in stores:
            await store.close()
        return sum(won)

    assert asyncio.run(steps()) == 2
