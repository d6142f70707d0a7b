# CREATE EXTENSION and DROP EXTENSION: whatever the search_path is, with and without models, and once more.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

my $node = new_server('extension');
$node->start;

# Objects that stand in the way of unqualified names
my $traps = q{
	CREATE SCHEMA trap;
	CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE plpgsql AS 'BEGIN RAISE ''trap''; END';
	CREATE FUNCTION trap.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE ''trap''; END';
	CREATE FUNCTION trap.quote_ident(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE ''trap''; END';
	CREATE FUNCTION trap.max(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE ''trap''; END';
	CREATE FUNCTION trap.equal(int, int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''trap''; END';
	CREATE FUNCTION trap.equal(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''trap''; END';
	CREATE OPERATOR trap.= (LEFTARG = int, RIGHTARG = int, FUNCTION = trap.equal);
	CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.equal);
	CREATE TYPE trap.text AS (x pg_catalog.int4);
	CREATE TYPE trap.int8 AS (x pg_catalog.int4);
	CREATE TABLE trap.pg_namespace (oid oid, nspname text);
	CREATE TABLE trap.model (model text);};
my $databases = 0;
my @paths = ('', 'pg_temp', 'trap, pg_catalog, public', 'public');

for my $path (@paths)
{
	my $db = 'path' . ++$databases;
	my $set = "SET search_path = " . ($path eq '' ? "''" : $path);

	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0");
	$node->safe_psql($db, $traps);
	my ($status, undef, $err) = $node->psql($db, "$set; CREATE EXTENSION pg_recommend;", on_error_stop => 1);
	is($status, 0, "search_path '$path': CREATE EXTENSION") or diag($err);
	make_events($node, 'public.events', users => 300, items => 60, per_user => 10, db => $db);
	($status, undef, $err) = $node->psql($db, "$set; " . q{
		SELECT rec.create_model('shop', 'public.events', params => '{"factors": 8, "epochs": 2}');
		SELECT * FROM rec.train('shop');
		SELECT * FROM rec.recommend('shop', 1); SELECT * FROM rec.recommend('shop', '1'); SELECT * FROM shop.recommend(1);
		SELECT * FROM shop.explain(1, 3); SELECT * FROM shop.similar_items(3); SELECT * FROM shop.similar_users(3);
		SELECT * FROM shop.recommend_users(3); SELECT shop.predict(1, 3); SELECT * FROM rec.explain('shop', '1', '3');
		SELECT * FROM shop.active_items LIMIT 1; SELECT * FROM rec.training_progress;
		SELECT rec.alter_model('shop', keep_versions => 1); SELECT rec.train('shop'); SELECT rec.activate('shop', 2);
		SELECT rec.upgrade_model('shop'); SELECT rec.rename_model('shop', 'store'); SELECT rec.drop_model('store');},
		on_error_stop => 1);
	is($status, 0, "search_path '$path': and everything that it does") or diag($err);
}

# Dropping it
$node->safe_psql('postgres', 'CREATE EXTENSION pg_recommend');
make_events($node, 'events', users => 300, items => 60, per_user => 10);
$node->safe_psql('postgres', q{SELECT rec.create_model('shop', 'events', params => '{"factors": 8, "epochs": 2}'); SELECT rec.train('shop');
	CREATE VIEW shown AS SELECT * FROM shop.recommend(1)});
my $before = answers($node, 'shop');
my $served = session($node);
$served->safe('SELECT * FROM shop.recommend(1)');

my (undef, undef, $error) = $node->psql('postgres', 'DROP EXTENSION pg_recommend');
like($error, qr/cannot drop extension pg_recommend because other objects depend on it/, 'DROP EXTENSION is refused while there are models');
is(answers($node, 'shop'), $before, 'which go on answering');
$node->safe_psql('postgres', 'DROP EXTENSION pg_recommend CASCADE');
is($node->safe_psql('postgres', q{SELECT count(*) FROM shop.item_factors}), '60', 'CASCADE leaves the tables of factors');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_proc WHERE pronamespace = 'shop'::regnamespace}), '0', 'and drops the functions');
like($served->error('SELECT * FROM shop.recommend(1)'), qr/ERROR:  42883/, 'a session that was served gets an error');

# And again
$node->safe_psql('postgres', 'CREATE EXTENSION pg_recommend');
is($node->safe_psql('postgres', 'SELECT count(*) FROM rec.model'), '0', 'created again it knows no model');
like(($node->psql('postgres', q{SELECT rec.create_model('shop', 'events')}))[2], qr/schema "shop" already exists and is not empty/,
	'and does not overwrite tables that were left');
$node->safe_psql('postgres', 'DROP SCHEMA shop CASCADE');
$served->safe(q{SELECT rec.create_model('shop', 'events', params => '{"factors": 8, "epochs": 2}'); SELECT rec.train('shop')});
is(answers($node, 'shop'), $before, 'a model made again answers as before');
is($served->safe(RecTest::answers_sql('shop')), $before, 'also in the session of before');
$served->close;

# Event triggers keep the catalog in step with schemas, and are in nobody's way when the extension goes with them or is half there
for my $sql ('DROP SCHEMA rec CASCADE', 'DROP SCHEMA rec, shop CASCADE', 'DROP EXTENSION pg_recommend CASCADE; DROP SCHEMA shop CASCADE',
	'DROP SCHEMA shop CASCADE; DROP EXTENSION pg_recommend',
	'ALTER EXTENSION pg_recommend DROP TABLE rec.model; DROP TABLE rec.model CASCADE; DROP SCHEMA shop CASCADE; CREATE SCHEMA x; ALTER SCHEMA x RENAME TO y')
{
	is(($node->psql('postgres', "BEGIN; $sql; ROLLBACK", on_error_stop => 1))[0], 0, $sql);
}
is($node->safe_psql('postgres', q{BEGIN; SET LOCAL default_transaction_isolation = 'repeatable read'; ALTER SCHEMA shop RENAME TO a; ALTER SCHEMA a RENAME TO b;
	SELECT model FROM rec.model; ROLLBACK}), 'b', 'renamed twice in a transaction');
is(answers($node, 'shop'), $before, 'and all of it rolled back');
$node->safe_psql('postgres', q{CREATE ROLE plain; GRANT CREATE ON DATABASE postgres TO plain; SET ROLE plain;
	CREATE SCHEMA mine; CREATE TABLE mine.events AS SELECT 1 AS user_id, 2 AS item_id; SELECT rec.create_model('plain_model', 'mine.events'); DROP SCHEMA plain_model CASCADE});
is($node->safe_psql('postgres', q{SELECT count(*) FROM rec.model WHERE model = 'plain_model'}), '0', 'DROP SCHEMA by a role without rights on the catalog');
$node->safe_psql('postgres', 'DROP OWNED BY plain; DROP ROLE plain');

# In a transaction that is rolled back, in a template, and in a database that is dropped while it is served elsewhere
$node->safe_psql('postgres', 'BEGIN; DROP EXTENSION pg_recommend CASCADE; ROLLBACK');
is(answers($node, 'shop'), $before, 'DROP EXTENSION that is rolled back');
$node->safe_psql('template1', 'CREATE DATABASE twin TEMPLATE postgres');
is(answers($node, 'shop', db => 'twin'), $before, 'a database copied from a template serves the model');
$node->safe_psql('twin', q{SELECT rec.train('shop', '{"seed": 3}')});
isnt(answers($node, 'shop', db => 'twin'), $before, 'and trains its own');
$node->safe_psql('postgres', 'DROP DATABASE twin');
is(answers($node, 'shop'), $before, 'the original is as it was');

$node->stop;
done_testing();
