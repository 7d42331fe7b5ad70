"""What the database itself refuses on the ledger's tables: the last line of defence behind ``post``.

On both databases a journal and its lines cannot be changed or deleted, and a journal must continue the chain: its
``seq`` follows the last one and its ``prev_hash`` is the last one's hash. SQLite also refuses ``INSERT OR REPLACE``
and amounts that are no integers; PostgreSQL also refuses TRUNCATE and, at commit, journals that do not balance.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

_TABLES: Final = ("ledger_journal", "ledger_line")
_RECORD: Final = "ledger_record"


def install(connection: Connection) -> None:
    """Create the triggers. The tables exist, the triggers do not."""
    _run(connection, _sqlite() if connection.dialect.name == "sqlite" else _postgresql())


def remove(connection: Connection) -> None:
    """Drop what :func:`install` created, where it exists, and what :func:`protect_record` built on it."""
    unprotect_record(connection)
    _run(connection, _sqlite_removal() if connection.dialect.name == "sqlite" else _postgresql_removal())


def protect_record(connection: Connection) -> None:
    """Have the database refuse changes of ``ledger_record`` too; :func:`install` came before."""
    if connection.dialect.name == "sqlite":
        statements = [
            *_sqlite_no_change(_RECORD),
            """CREATE TRIGGER ledger_record_insert BEFORE INSERT ON ledger_record
               WHEN NEW.n <> 1 + (SELECT coalesce(max(n), 0) FROM ledger_record)
               BEGIN SELECT RAISE(ABORT, 'ledger_record is append-only: a line must follow the last one'); END""",
        ]
    else:
        statements = _postgresql_no_change(_RECORD)
    _run(connection, statements)


def unprotect_record(connection: Connection) -> None:
    """Drop what :func:`protect_record` created, where it exists."""
    names = [f"{_RECORD}_{what}" for what in ("no_update", "no_delete", "insert")]
    if connection.dialect.name != "sqlite":
        names = [f"{_RECORD}_{what} ON {_RECORD}" for what in ("no_change", "no_truncate")]
    _run(connection, [f"DROP TRIGGER IF EXISTS {name}" for name in names])


def _run(connection: Connection, statements: list[str]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)


def _sqlite_no_change(table: str) -> list[str]:
    return [
        f"""CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table}
            BEGIN SELECT RAISE(ABORT, '{table} is append-only: {action} is refused'); END"""
        for action in ("UPDATE", "DELETE")
    ]


def _sqlite() -> list[str]:
    statements = [statement for table in _TABLES for statement in _sqlite_no_change(table)]
    # REPLACE deletes without firing delete triggers unless the connection has recursive_triggers=ON.
    # Refusing the insert itself holds on every connection, also on one that is not ours.
    statements.append(
        """CREATE TRIGGER ledger_journal_insert BEFORE INSERT ON ledger_journal
           BEGIN
             SELECT RAISE(ABORT, 'ledger_journal: a journal must continue the chain')
               WHERE NEW.seq <> 1 + (SELECT coalesce(max(seq), 0) FROM ledger_journal)
                 OR NEW.prev_hash <> coalesce((SELECT hash FROM ledger_journal WHERE seq = NEW.seq - 1),
                   '0000000000000000000000000000000000000000000000000000000000000000');
             SELECT RAISE(ABORT, 'ledger_journal is append-only: this journal exists')
               WHERE EXISTS (SELECT 1 FROM ledger_journal WHERE id = NEW.id)
                 OR EXISTS (SELECT 1 FROM ledger_journal WHERE idem_key = NEW.idem_key)
                 OR EXISTS (SELECT 1 FROM ledger_journal WHERE resolves_id = NEW.resolves_id)
                 OR EXISTS (SELECT 1 FROM ledger_journal WHERE reverses_id = NEW.reverses_id);
           END"""
    )
    # SQLite keeps 2.5 in an integer column as it is. An id that is left out reads as -1 here.
    statements.append(
        """CREATE TRIGGER ledger_line_insert BEFORE INSERT ON ledger_line
           WHEN typeof(NEW.amount) <> 'integer'
             OR EXISTS (SELECT 1 FROM ledger_line WHERE journal_seq = NEW.journal_seq AND n = NEW.n)
             OR (NEW.id <> -1 AND EXISTS (SELECT 1 FROM ledger_line WHERE id = NEW.id))
           BEGIN
             SELECT RAISE(ABORT, 'ledger_line: an amount must be an integer') WHERE typeof(NEW.amount) <> 'integer';
             SELECT RAISE(ABORT, 'ledger_line is append-only: this line exists');
           END"""
    )
    return statements


def _sqlite_removal() -> list[str]:
    names = [f"{table}_{what}" for table in _TABLES for what in ("no_update", "no_delete", "insert")]
    return [f"DROP TRIGGER IF EXISTS {name}" for name in names]


def _postgresql() -> list[str]:
    statements = [
        """CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN
             RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only: ' || TG_OP || ' is refused';
           END $$""",
        """CREATE FUNCTION ledger_continues_chain() RETURNS trigger LANGUAGE plpgsql AS $$
           DECLARE
             last_seq bigint;
             last_hash text;
           BEGIN
             SELECT seq, hash INTO last_seq, last_hash FROM ledger_journal ORDER BY seq DESC LIMIT 1;
             IF NEW.seq <> coalesce(last_seq, 0) + 1 OR NEW.prev_hash <> coalesce(last_hash, repeat('0', 64)) THEN
               RAISE EXCEPTION 'ledger_journal: a journal must continue the chain';
             END IF;
             RETURN NEW;
           END $$""",
        """CREATE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN
             IF EXISTS (SELECT 1 FROM ledger_line WHERE journal_seq = NEW.journal_seq
                        GROUP BY commodity, basis HAVING sum(amount) <> 0) THEN
               RAISE EXCEPTION USING MESSAGE = 'ledger_line: journal ' || NEW.journal_seq || ' does not balance';
             END IF;
             RETURN NULL;
           END $$""",
        """CREATE TRIGGER ledger_journal_chain BEFORE INSERT ON ledger_journal
           FOR EACH ROW EXECUTE FUNCTION ledger_continues_chain()""",
        """CREATE CONSTRAINT TRIGGER ledger_line_balances AFTER INSERT ON ledger_line
           DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_balances()""",
    ]
    return [*statements, *(statement for table in _TABLES for statement in _postgresql_no_change(table))]


def _postgresql_no_change(table: str) -> list[str]:
    return [
        f"""CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION ledger_append_only()""",
        f"""CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()""",
    ]


def _postgresql_removal() -> list[str]:
    triggers = [(table, f"{table}_{name}") for table in _TABLES for name in ("no_change", "no_truncate")]
    triggers += [("ledger_journal", "ledger_journal_chain"), ("ledger_line", "ledger_line_balances")]
    functions = ("ledger_append_only", "ledger_continues_chain", "ledger_balances")
    return [
        *(f"DROP TRIGGER IF EXISTS {name} ON {table}" for table, name in triggers),
        *(f"DROP FUNCTION IF EXISTS {name}()" for name in functions),
    ]
