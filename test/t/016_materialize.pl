# rec.materialize beside readers, a training and another materialize; recommend_many when workers are cancelled.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;
use Time::HiRes qw(time);

my $node = start_server('materialize', "parallel_setup_cost = 0\n");
make_events($node, 'events', users => 800, items => 150, per_user => 12);
$node->safe_psql('postgres', q{
	SELECT rec.create_model('shop', 'events', params => '{"factors": 8, "epochs": 2, "holdout": 0}');
	SELECT rec.train('shop');
	SELECT rec.materialize('shop');});
my $digest = q{SELECT count(*) || ' ' || md5(string_agg(r::text, ';' ORDER BY user_id, rank)) FROM shop.recommendation r};
my $before = $node->safe_psql('postgres', $digest);
my $writer = session($node);

# a reader meets no lock, and sees the former rows until the commit
$writer->safe(q{BEGIN; SELECT rec.train('shop', '{"seed": 7}'); SELECT rec.materialize('shop')});
my $start = time;
is($node->safe_psql('postgres', "SET lock_timeout = 1000; $digest"), $before, 'the former rows until it is committed');
cmp_ok(time - $start, '<', 5, 'without waiting');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE relation = 'shop.recommendation'::regclass
	AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')}), '0', 'no lock that readers or writers meet');

# a second one at the same time
my ($status, $out, $err) = $node->psql('postgres', q{\set VERBOSITY verbose
	SELECT rec.materialize('shop')});
like($err, qr/55P03: recommendations of model "shop" are being materialized by another session/, 'a second one is refused');
$writer->safe('COMMIT');
my $after = $node->safe_psql('postgres', $digest);
isnt($after, $before, 'the new version is there');
is($node->safe_psql('postgres', 'SELECT DISTINCT version FROM shop.recommendation'), '2', 'and nothing else');

# a training does not keep it from running
$writer->safe('BEGIN');
$writer->safe(q{SELECT rec.train('shop', '{"seed": 8}')});
is($node->safe_psql('postgres', q{SELECT changed FROM rec.materialize('shop')}), '0', 'while a training is not committed');
$writer->safe('ROLLBACK');

# rolled back
$node->safe_psql('postgres', q{BEGIN; SELECT rec.materialize('shop', 3); ROLLBACK});
is($node->safe_psql('postgres', $digest), $after, 'rolled back');

# A worker that is terminated, or the leader that is cancelled, ends the call with an error and leaves nothing behind.
my $reader = session($node);
my $long = q{SELECT count(*) FROM shop.recommend_many(ARRAY(SELECT -generate_series(1, 3000000)), k => NULL)};
my $working = q{SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'parallel worker'};
for my $kill (q{SELECT pg_cancel_backend(leader_pid) FROM pg_stat_activity WHERE backend_type = 'parallel worker' LIMIT 1},
	q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'parallel worker' LIMIT 1})
{
	my ($stdout, $stderr) = ('', '');
	my $psql = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $long ], '>', \$stdout, '2>', \$stderr);
	$node->poll_query_until('postgres', $working) or die 'no worker';
	$start = time;
	$node->safe_psql('postgres', $kill);
	$psql->finish;
	like($stderr, qr/ERROR:  .*(canceling|terminating)/, 'an error');
	cmp_ok(time - $start, '<', 3, 'at once');
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'parallel worker'}), 'no worker is left');
}
is($reader->query('SELECT count(*) FROM shop.recommend_many()'), '8000', 'and it works as before');

# Little shared memory or no worker to be had: alone.
$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
$node->restart;
is($node->safe_psql('postgres', 'SELECT count(*) FROM shop.recommend_many()'), '8000', 'no worker process is to be had');
is($node->safe_psql('postgres', q{SET pg_recommend.cache_size = 0; SELECT count(*) FROM shop.recommend_many()}), '8000', 'no shared cache');
$node->stop;
done_testing();
