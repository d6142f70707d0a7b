# Models and events that are dropped, renamed and made again under sessions that use them.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;
use Time::HiRes qw(time);

my $node = start_server('replaced');
make_events($node, 'events', users => 400, items => 80, per_user => 12);
my $create = q{SELECT rec.create_model('shop', 'events', params => '{"factors": 16, "epochs": 1}'); SELECT rec.train('shop')};
$node->safe_psql('postgres', $create);

# Events that go away between two calls of one session
my $s = session($node);
my $other = session($node);
my $ask = q{SELECT * FROM shop.recommend(1)};
$s->safe("PREPARE p AS $ask; SET client_min_messages = notice");
my $before = $s->safe($ask);
$other->safe('ALTER TABLE events RENAME TO kept');
my ($out, $notice) = $s->query($ask);
like($notice, qr/NOTICE:  00000: the events of model "shop" are gone, answering from the last training/, 'events that are gone are noticed');
is($out, $before, 'and the stored model answers');
is(join('|', $s->query('EXECUTE p')), "$before|", 'without a second notice');
$other->safe('CREATE VIEW events AS SELECT user_id, item_id FROM kept WHERE false');
unlike($s->safe($ask), qr/personalized/, 'an empty view in their place is used');
$other->safe('DROP VIEW events; ALTER TABLE kept RENAME item_id TO item');
($out, $notice) = $s->query('EXECUTE p');
is($out, $before, 'events that are gone once more');
$other->safe('ALTER TABLE kept RENAME TO events');
($out, $notice) = $s->query('EXECUTE p');
is($out, $before, 'events that have lost a column');
$other->safe('ALTER TABLE events RENAME item TO item_id');
is(join('|', $s->query($ask)), "$before|", 'events that are back');
$other->safe('CREATE TABLE new AS SELECT user_id, item_id FROM events WHERE user_id <> 1; DROP TABLE events; ALTER TABLE new RENAME TO events;
	CREATE INDEX ON events (user_id)');
like($s->safe('EXECUTE p'), qr/popular/, 'a table that took the place of the events is used');
$other->safe('TRUNCATE events; INSERT INTO events SELECT 1, i FROM generate_series(1, 5) i');
like($s->safe('EXECUTE p'), qr/folded_in/, 'so are events that are emptied and loaded');
$other->safe('DROP TABLE events');
make_events($node, 'events', users => 400, items => 80, per_user => 12);
is($s->safe('EXECUTE p'), $before, 'and the same events made again');

# A model that goes away under a session that is served
$other->safe(q{SELECT rec.rename_model('shop', 'store')});
like($s->error('EXECUTE p'), qr/ERROR:  (3F000|42P01|42883): /, 'a renamed model is not found by its former name');
is($s->safe('SELECT * FROM store.recommend(1)'), $before, 'but by the new one');
$other->safe(q{SELECT rec.rename_model('store', 'shop')});
is($s->safe('EXECUTE p'), $before, 'a prepared statement follows when it is renamed back');
$s->safe('BEGIN');
$s->safe($ask);
is($other->error(q{SET lock_timeout = '3s'; SELECT rec.drop_model('shop')}), '', 'dropping does not wait for a transaction that was served');
like($s->error('EXECUTE p'), qr/ERROR:  (42704|3F000|42P01|42883): /, 'a dropped model is an error there');
$s->safe('ROLLBACK');
like($s->error(q{SELECT * FROM rec.recommend('shop', '1')}), qr/ERROR:  42704: model "shop" does not exist/, 'which says so');
$other->safe($create);
is($s->safe('EXECUTE p'), $before, 'a model made again is served to the same session');
$other->safe('DROP SCHEMA shop CASCADE');
like($s->error(q{SELECT * FROM rec.recommend('shop', '1')}), qr/ERROR:  42704: model "shop" does not exist/, 'a schema that is dropped takes the model along');
$other->safe($create);
is($other->safe('SELECT count(*), max(active_version) FROM rec.model'), '1|1', 'its name can be used again');
is($s->safe('EXECUTE p'), $before, 'and is served');
$_->close for $s, $other;

# Everything at once: whatever a reader meets is a clear error, never an internal one
$node->safe_psql('postgres', q{
	CREATE UNLOGGED TABLE met (state text, message text);
	CREATE FUNCTION ask(u int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
		BEGIN
			PERFORM * FROM rec.recommend('shop', u);
			PERFORM rec.predict('shop', u::text, '5');
			PERFORM * FROM rec.similar_items('shop', '5');
			INSERT INTO met VALUES ('served', '');
		EXCEPTION WHEN OTHERS THEN INSERT INTO met VALUES (SQLSTATE, SQLERRM);
		END; END $$;
	CREATE FUNCTION train() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
		BEGIN
			PERFORM rec.train('shop');
			INSERT INTO met VALUES ('trained', '');
		EXCEPTION WHEN OTHERS THEN INSERT INTO met VALUES (SQLSTATE, SQLERRM);
		END; END $$;});
{
	my $ask_file = "$PostgreSQL::Test::Utils::tmp_check/ask.sql";
	my $train_file = "$PostgreSQL::Test::Utils::tmp_check/train.sql";
	append_to_file($ask_file, "\\set u random(1, 400)\nSELECT ask(:u);\n");
	append_to_file($train_file, "SET client_min_messages = warning;\nSELECT train();\n");
	my ($bench_out, $err) = ('', '');
	my $bench = IPC::Run::start(
		[ 'pgbench', '-n', '-c', 4, '-T', 6, '-f', "$ask_file\@5", '-f', "$train_file\@1", $node->connstr('postgres') ],
		'>', \$bench_out, '2>', \$err, IPC::Run::timeout(120));
	my $changer = session($node);
	my $until = time + 5;
	my ($rounds, %refused) = (0);

	while (time < $until)
	{
		for my $change (q{SELECT rec.rename_model('shop', 'store'); SELECT rec.rename_model('store', 'shop')},
			q{SELECT rec.drop_model('shop')}, $create, q{ALTER TABLE events RENAME TO away; ALTER TABLE away RENAME TO events})
		{
			my $error = $changer->error($change);
			$refused{$1}++ while $error =~ /ERROR:  (\w{5}): /g;
		}
		$rounds++;
	}
	$bench->finish;
	is($bench->result(0), 0, 'sessions ask and train while the model is dropped, made and renamed');
	my $met = $changer->safe(q{SELECT string_agg(state || ' ' || message || ' x' || n, E'\n' ORDER BY n DESC)
		FROM (SELECT state, message, count(*) n FROM met GROUP BY 1, 2) m});
	note("rounds: $rounds; refused: ", join(', ', map { "$_ x$refused{$_}" } sort keys %refused), "\n$met");
	like($met, qr/^served/m, 'some were served');
	is(join(',', grep { !/^(served|trained|42704|42883|42P01|3F000|55000|55P03|40P01)$/ } $met =~ /^(\S+)/mg), '', 'nobody met an internal error');
	is(join(',', grep { !/^(42704|55P03|42710|42P06|42P01|3F000|40P01)$/ } sort keys %refused), '', 'nor did the one who changed the model');
	$changer->close;
}

$node->stop;
done_testing();
