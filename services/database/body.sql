-- One body: its database, the role that owns and loads it, and the role that its node reads with. May be run again.
-- From psql, with the variable `body`, and the files of the passwords in OWNER_FILE and READER_FILE.
\set reader :body _reader
\set owner_password `cat "$OWNER_FILE"`
\set reader_password `cat "$READER_FILE"`

SELECT format('CREATE ROLE %I', name) FROM (VALUES (:'body'), (:'reader')) AS roles (name)
WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec
ALTER ROLE :"body" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT
    PASSWORD :'owner_password';
ALTER ROLE :"reader" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT
    CONNECTION LIMIT 20 PASSWORD :'reader_password';
ALTER ROLE :"reader" SET default_transaction_read_only = on;

SELECT format('CREATE DATABASE %I TEMPLATE template0', :'body')
WHERE :'body' NOT IN (SELECT datname FROM pg_database) \gexec
REVOKE ALL ON DATABASE :"body" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"body" TO :"body", :"reader";

\connect :"body"
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO :"body";
GRANT USAGE ON SCHEMA public TO :"reader";
-- What the owner loads later, the reader may read.
ALTER DEFAULT PRIVILEGES FOR ROLE :"body" IN SCHEMA public GRANT SELECT ON TABLES TO :"reader";
-- Large objects can be made without any privilege on a table or schema.
REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC;
