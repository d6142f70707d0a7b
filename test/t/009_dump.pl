# Models survive pg_dump and restore: custom and plain format, in one transaction, with names that need quoting,
# renamed, with their grants; and a copy in the same cluster is a model of its own.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

my $node = start_server('source');
my $folder = $PostgreSQL::Test::Utils::tmp_check;
my $odd = q{we"ird 'm; -- \\};
my $odd_ident = q{"we""ird 'm; -- \\"};
my $odd_literal = q{$q$} . $odd . q{$q$};

$node->safe_psql('postgres', q{
	CREATE SCHEMA "web.log";
	CREATE ROLE analyst; CREATE ROLE trainer; CREATE ROLE stranger;
	GRANT CREATE ON DATABASE postgres TO trainer;});
make_events($node, '"web.log"."ev""ents"', users => 300, items => 60, per_user => 10);
make_events($node, 'texts', type => 'text', users => 200, items => 60, per_user => 10);
$node->safe_psql('postgres', qq{
	ALTER TABLE texts RENAME user_id TO "user id"; ALTER TABLE texts RENAME item_id TO "item'id";
	GRANT SELECT ON texts TO trainer;
	SELECT rec.create_model('first', '"web.log"."ev""ents"', params => '{"factors": 16, "epochs": 2}');
	SELECT rec.train('first'); SELECT rec.train('first', '{"seed": 9}');
	SELECT rec.rename_model('first', 'shop');
	GRANT USAGE ON SCHEMA shop TO analyst;
	SELECT rec.create_model('rated', '"web.log"."ev""ents"', value_column => null, params => '{"factors": 4}');
	SET ROLE trainer;
	SELECT rec.create_model($odd_literal, 'public.texts', 'user id', \$q\$item'id\$q\$, params => '{"factors": 8, "epochs": 2}');
	SELECT rec.train($odd_literal);
	GRANT USAGE ON SCHEMA $odd_ident TO analyst;
	RESET ROLE;
	CREATE VIEW public.shown AS SELECT u.id, r.* FROM generate_series(1, 3) u(id), LATERAL shop.recommend(u.id, 2) r;});

# Rows in all tables of the catalog
make_events($node, 'clicks', users => 100, items => 40, per_user => 10);
$node->safe_psql('postgres', q{
	ALTER TABLE clicks ADD at timestamptz;
	UPDATE clicks SET at = date_trunc('day', now()) - (user_id % 30 + 3) * interval '1 day' - item_id * interval '1 minute';
	CREATE TABLE things AS SELECT i AS item_id, i % 2 = 0 AS good FROM generate_series(1, 40) i;
	SELECT rec.create_model('timed', 'clicks', time_column => 'at', items => 'things', params => '{"factors": 4, "epochs": 2}');
	SELECT rec.train('timed');
	INSERT INTO clicks SELECT user_id, item_id, at + interval '1 day' * (user_id % 2 + 1) FROM clicks WHERE at > now() - interval '5 days';
	SELECT rec.check_drift('timed'); SELECT rec.materialize('timed', 2); SELECT rec.schedule('timed');
	SELECT rec.create_item_set('timed', 'good', 'good'); SELECT rec.create_experiment('test', model => 'timed');
	SELECT timed.serve(1, experiment => 'test');
	SELECT rec.create_metric('clicks', 'clicks', time_column => 'at');
	UPDATE rec.experiment SET start_at = now() - interval '5 days';
	SELECT rec.log_exposure('test', u, exposed_at => now() - interval '3 days') FROM generate_series(1, 100) u;});
$node->safe_psql('postgres', q{CALL rec.run_now('timed', 'check')});
$node->safe_psql('postgres', q{CALL rec.tune('timed', method => 'random', trials => 2)});
$node->safe_psql('postgres', q{SELECT rec.refresh_experiment('test')});
is($node->safe_psql('postgres', q{SELECT string_agg(c::regclass::text, ' ') FROM pg_extension, unnest(extconfig) c JOIN pg_class r ON r.oid = c
	WHERE extname = 'pg_recommend' AND relkind = 'r' AND query_to_xml(format('SELECT 1 FROM %s LIMIT 1', c::regclass), false, false, '')::text NOT LIKE '%<row%'}),
	'', 'each table of the catalog has rows');

my %text = (users => q{SELECT 'k''"' || generate_series(1, 12)}, item => q{'k''"3'::text});
my $catalog = q{SELECT model, events_schema, events_relation, user_column, item_column, params, keep_versions, active_version
	FROM rec.model ORDER BY 1; SELECT model, version, uid, started_at, params, users, items, loss, trained_by, warnings FROM rec.training_run ORDER BY 1, 2};
my $rows = q{SELECT c::regclass, md5(query_to_xml(format('SELECT t::text FROM %s t ORDER BY 1', c::regclass), false, false, '')::text)
	FROM pg_extension, unnest(extconfig) c JOIN pg_class r ON r.oid = c WHERE extname = 'pg_recommend' AND relkind = 'r' ORDER BY c::regclass::text};
my $objects = q{SELECT n.nspname, n.nspowner::regrole, n.nspacl, obj_description(n.oid, 'pg_namespace') FROM pg_namespace n
		WHERE nspname IN (SELECT model FROM rec.model) ORDER BY 1;
	SELECT c.oid::regclass, c.relowner::regrole, c.relacl, c.reloptions, obj_description(c.oid, 'pg_class') FROM pg_class c
		WHERE relnamespace IN (SELECT to_regnamespace(quote_ident(model))::oid FROM rec.model) ORDER BY c.oid::regclass::text;
	SELECT p.oid::regprocedure, p.proowner::regrole, p.proacl, pg_get_functiondef(p.oid) FROM pg_proc p
		WHERE pronamespace IN (SELECT to_regnamespace(quote_ident(model))::oid FROM rec.model) ORDER BY p.oid::regprocedure::text};

sub state_of
{
	my ($server, $db) = @_;

	return join "\n--\n", $server->safe_psql($db, $catalog), $server->safe_psql($db, $rows), $server->safe_psql($db, $objects),
	  answers($server, 'shop', db => $db), answers($server, $odd_ident, db => $db, %text),
	  $server->safe_psql($db, 'SELECT * FROM shown'),
	  $server->safe_psql($db, "SELECT * FROM rec.recommend($odd_literal, 'k''\"5')"),
	  $server->safe_psql($db, 'SET ROLE analyst; SELECT * FROM shop.recommend(4); SELECT model FROM rec.model ORDER BY 1'),
	  map { factors($server, $_, undef, $db) } 'shop', $odd_ident;
}

my $before = state_of($node, 'postgres');
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$folder/custom.dump", $node->connstr('postgres') ], 'pg_dump, custom format');
$node->command_ok([ 'pg_dump', '-f', "$folder/plain.sql", $node->connstr('postgres') ], 'pg_dump, plain format');
$node->command_ok([ 'pg_dumpall', '-f', "$folder/all.sql", '-d', $node->connstr('postgres') ], 'pg_dumpall');

# Not only a superuser can
$node->safe_psql('postgres', 'CREATE ROLE dumper LOGIN BYPASSRLS; GRANT pg_read_all_data TO dumper');
IPC::Run::run([ 'pg_dump', '-U', 'dumper', '-d', $node->connstr('postgres') ], '>', \my $dump, '2>', \my $complaints);
$dump =~ s/^\\(un)?restrict .*\n//mg;
is($complaints, '', 'a role with BYPASSRLS and pg_read_all_data dumps as well');
same($dump, dump_of($node, 'postgres'), 'the same');

my $target = new_server('target');
$target->start;
$target->safe_psql('postgres', 'CREATE ROLE analyst; CREATE ROLE trainer; CREATE ROLE stranger');
$target->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE template0") for 'custom', 'plain', 'parallel';
$target->command_ok([ 'pg_restore', '--single-transaction', '-d', $target->connstr('custom'), "$folder/custom.dump" ],
	'pg_restore in one transaction');
$target->command_ok([ 'psql', '-Xq', '-1', '-v', 'ON_ERROR_STOP=1', '-d', $target->connstr('plain'), '-f', "$folder/plain.sql" ],
	'the plain format in one transaction');
$target->command_ok([ 'pg_restore', '-j', '4', '-d', $target->connstr('parallel'), "$folder/custom.dump" ], 'pg_restore with four jobs');
for my $db ('custom', 'plain', 'parallel')
{
	same(state_of($target, $db), $before, "$db: the restored models are the same and answer the same");
}
same(dump_of($target, 'custom'), dump_of($node, 'postgres'), 'a dump of the restored database is the same text');

# The restored models live on
$target->safe_psql('plain', qq{SELECT rec.train('shop', '{"seed": 9}'); SET ROLE trainer; SELECT rec.train($odd_literal)});
is($target->safe_psql('plain', 'SELECT max(version) FROM shop.model_version'), '3', 'version numbers go on');
is(factors($target, 'shop', 3, 'plain'), factors($node, 'shop', 2), 'a training after the restore gives the same factors');
is(factors($target, $odd_ident, 2, 'plain'), factors($node, $odd_ident), 'also with text keys');
is($target->safe_psql('plain', q{SELECT count(*) FROM shop.item_factors WHERE version = 1}), '0', 'keep_versions holds');
$target->safe_psql('plain', qq{SELECT rec.rename_model('shop', 'store'); SELECT * FROM store.recommend(1); SELECT rec.activate('store', 2);
	SELECT rec.upgrade_model('store'); SELECT rec.drop_model($odd_literal)});
is($target->safe_psql('plain', 'SELECT string_agg(model, $$ $$ ORDER BY model) FROM rec.model'), 'rated store timed', 'and the models can be managed');
like(($target->psql('custom', q{SET ROLE stranger; SELECT * FROM shop.recommend(1)}))[2], qr/permission denied/, 'a stranger stays one');
like(($target->psql('custom', q{SET ROLE analyst; SELECT rec.train('shop')}))[2], qr/must be owner/, 'who may use a model does not own it');

# Two databases of a cluster with the same model, the same uids: one session each
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE template0');
$node->command_ok([ 'pg_restore', '-d', $node->connstr('copy'), "$folder/custom.dump" ], 'a copy in the same cluster');
my $here = session($node);
my $there = session($node, 'copy');
my $ask = RecTest::answers_sql('shop');
my $answer = $here->safe($ask);
is($there->safe($ask), $answer, 'the copy answers the same');
$there->safe(q{SELECT rec.train('shop', '{"seed": 77}')});
isnt($there->safe($ask), $answer, 'a training of the copy changes the copy');
is($here->safe($ask), $answer, 'and not the original');
is($there->safe(q{BEGIN; SELECT rec.activate('shop', 2)}), '', 'the former version of the copy');
is($there->safe($ask), $answer, 'still answers the same');
$there->safe('COMMIT');
$there->safe(q{UPDATE shop.item_factors SET factors = array_fill(0::real, ARRAY[16])});
is($here->safe($ask), $answer, 'whatever is done to its tables');
$_->close for $here, $there;

# Everything of a cluster
my $whole = new_server('whole');
$whole->start;
$whole->command_ok([ 'psql', '-Xq', '-d', $whole->connstr('postgres'), '-f', "$folder/all.sql" ], 'restoring pg_dumpall');
same(state_of($whole, 'postgres'), $before, 'pg_dumpall carries models, roles and grants');

# Without the rows of the catalog a schema is not a model, and says so; with --clean a restore goes over what is there
$target->safe_psql('custom', 'ALTER EVENT TRIGGER rec_schema_renamed DISABLE; ALTER SCHEMA shop RENAME TO hand');
like(($target->psql('custom', 'SELECT * FROM hand.recommend(1)'))[2], qr/holds no model.*HINT:.*rec\.model/s, 'a schema without a row in the catalog is explained');
$target->command_ok([ 'pg_restore', '--clean', '--if-exists', '-j', '4', '-d', $target->connstr('parallel'), "$folder/custom.dump" ], 'pg_restore --clean over the models');
same(state_of($target, 'parallel'), $before, 'which are the same again');

$_->stop for $node, $target, $whole;
done_testing();

# Equal, or the first lines that are not.
sub same
{
	my ($got, $expected, $name) = @_;
	my @got = split /\n/, $got;
	my @expected = split /\n/, $expected;

	ok($got eq $expected, $name) and return;
	for my $i (0 .. ($#got > $#expected ? $#got : $#expected))
	{
		my ($a, $b) = ($got[$i] // '(end)', $expected[$i] // '(end)');
		if ($a ne $b) { diag("got:      $a\nexpected: $b"); last; }
	}
	return;
}

sub dump_of
{
	my ($server, $db) = @_;
	my ($out, $err);

	IPC::Run::run([ 'pg_dump', '-d', $server->connstr($db) ], '>', \$out, '2>', \$err) or die $err;
	$out =~ s/^\\(un)?restrict .*\n//mg;
	# rows of a table come in the order they are stored in, which a single restore keeps
	return $out;
}
