# Readers while versions come and go: no error, and every answer is of one version.
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

my $node = start_server('readers', "autovacuum_naptime = 1s\nautovacuum_vacuum_threshold = 1\nmax_connections = 120\n");
make_events($node, 'events', users => 600, items => 120, per_user => 12);
$node->safe_psql('postgres', q{
	SELECT rec.create_model('shop', 'events', params => '{"factors": 16, "epochs": 2}', keep_versions => 1);
	CREATE UNLOGGED TABLE answer (version int, user_id int, answer text);
	CREATE UNLOGGED TABLE expected (version int, user_id int, answer text);});

# The answer for one user in one line; the version is that of the same snapshot.
my $answer = q{md5((SELECT string_agg(r::text, ';') FROM shop.recommend(%1$s, 8) r) ||
	(SELECT string_agg(r::text, ';') FROM shop.similar_items(5) r) || (SELECT shop.predict(%1$s, 7)) ||
	(SELECT string_agg(r::text, ';') FROM shop.explain(%1$s, 7) r))};
my $train = q{
	BEGIN;
	SELECT version FROM rec.train('shop', '{"seed": %d}');
	INSERT INTO expected SELECT m.active_version, u, } . sprintf($answer, 'u') . q{ FROM rec.model m, generate_series(1, 10) u WHERE m.model = 'shop';
	COMMIT};

my $trainer = session($node);
my $versions = 0;
$trainer->safe(sprintf $train, ++$versions);

{
	my $script = "$PostgreSQL::Test::Utils::tmp_check/read.sql";
	my $writer = "$PostgreSQL::Test::Utils::tmp_check/write.sql";
	append_to_file($script, "\\set u random(1, 10)\nINSERT INTO answer SELECT m.active_version, :u, "
		  . sprintf($answer, ':u') =~ s/\n/ /gr . " FROM rec.model m WHERE m.model = 'shop';\n");
	append_to_file($writer, "\\set u random(100, 600)\n\\set i random(1, 120)\n"
		  . "INSERT INTO events VALUES (:u, :i);\nSELECT count(*) FROM shop.recommend(:u);\n");
	my ($out, $err) = ('', '');
	my $bench = IPC::Run::start(
		[ 'pgbench', '-n', '-c', 64, '-j', 2, '-T', 8, '-f', "$script\@3", '-f', "$writer\@1", $node->connstr('postgres') ],
		'>', \$out, '2>', \$err, IPC::Run::timeout(120));
	my $until = time + 7;

	while (time < $until)
	{
		$trainer->safe(sprintf $train, ++$versions);
		# one that never was, another model that comes and goes, and the former version for a moment
		$trainer->safe(q{BEGIN; SELECT rec.train('shop', '{"seed": 999}'); SELECT count(*) FROM shop.recommend(1); ROLLBACK});
		$trainer->safe(q{SELECT rec.create_model('other', 'events', params => '{"factors": 4, "epochs": 1}'); SELECT rec.train('other');
			SELECT count(*) FROM other.recommend(1); SELECT rec.drop_model('other')});
	}
	$bench->finish;
	is($bench->result(0), 0, '64 sessions read and write, without an error');
	unlike($err, qr/ERROR/, 'nor a word of one');
}
cmp_ok($versions, '>', 3, "$versions versions were trained meanwhile");
is($trainer->query(q{SELECT count(*) FROM answer a LEFT JOIN expected e USING (version, user_id)
	WHERE a.answer IS DISTINCT FROM e.answer}), '0', 'every answer is the one of its version');
cmp_ok($trainer->query('SELECT count(DISTINCT version) FROM answer'), '>', 2, 'answers of several versions were seen');
is($trainer->query(q{SELECT count(DISTINCT answer) = count(*) FROM expected WHERE user_id = 1}), 't', 'which differ');
is($trainer->query('SELECT count(DISTINCT version) FROM shop.item_factors'), '1', 'one version is kept');

# Snapshots and cursors that are older than a training
my $snapshot = session($node);
my $served = session($node);
my $cursor = session($node);
my $one = 'SELECT ' . sprintf($answer, '3');
my $all = 'SELECT u, r.item_id, r.score, r.source FROM generate_series(1, 40) u, LATERAL shop.recommend(u, 5) r';
my $old = $trainer->safe($one);
my @old = split /\n/, $trainer->safe($all);

$snapshot->safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
$served->safe('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
is($served->query($one), $old, 'a transaction with a snapshot is served');
# without a place in the cache the version is read again after each change of the model
$cursor->safe('SET pg_recommend.cache_size = 0');
$cursor->safe("BEGIN; DECLARE c CURSOR FOR $all");
my @got = split /\n/, $cursor->safe('FETCH 7 FROM c');
$trainer->safe(sprintf $train, ++$versions) for 1 .. 3;
$trainer->safe('VACUUM shop.item_factors, shop.user_factors, shop.user_history, shop.model_version, rec.model');
is($snapshot->query($one), $old, 'a snapshot that is older than the training sees the version of before, now pruned');
is($served->query($one), $old, 'so does one that was served before');
is($cursor->safe("SELECT string_agg(DISTINCT version::text, ',') FROM shop.item_factors"), $versions, 'other statements see the new version');
isnt($cursor->safe($one), $old, 'and are answered by it');
push @got, split /\n/, $cursor->safe('FETCH ALL FROM c');
is(join("\n", @got), join("\n", @old), 'an open cursor goes on with the version it began with');
$_->safe('COMMIT') for $snapshot, $served, $cursor;
is($snapshot->query($one), $trainer->query($one), 'after the transaction the new version answers');
$_->close for $snapshot, $served, $cursor, $trainer;

unlike(slurp_file($node->logfile), qr/canceling autovacuum task/, 'autovacuum was never cancelled');
$node->stop;
done_testing();
