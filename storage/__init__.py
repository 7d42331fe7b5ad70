"""The database: tables, migrations, and one file of queries a noun. Imports only ``bot.domain`` and ``bot.errors``."""
