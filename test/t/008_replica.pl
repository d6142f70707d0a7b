# A hot standby serves as the primary does, follows its versions, and its readers are not cancelled by them.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

# Old rows are kept for the standby's snapshots and conflicts act at once: so what cancels a reader here is a lock.
my $primary = start_server('primary', "hot_standby_feedback = on\nmax_standby_streaming_delay = 0\n"
	  . "wal_receiver_status_interval = 1\nautovacuum = off\n", allows_streaming => 1);

make_events($primary, 'events', users => 400, items => 80, per_user => 12);
$primary->safe_psql('postgres', q{
	SELECT rec.create_model('shop', 'events', params => '{"factors": 16, "epochs": 2}', keep_versions => 1);
	SELECT rec.train('shop');
	CREATE ROLE analyst;
	GRANT USAGE ON SCHEMA shop TO analyst;});
$primary->backup('base');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

sub catch_up
{
	my $lsn = $primary->lsn('flush');

	$standby->poll_query_until('postgres', "SELECT pg_last_wal_replay_lsn() >= '$lsn'") or die 'the standby does not follow';
	return;
}

sub train
{
	my ($params) = @_;

	$primary->safe_psql('postgres', "SELECT rec.train('shop', '$params')");
	return;
}

catch_up();
my $first = answers($primary, 'shop');
is(answers($standby, 'shop'), $first, 'the standby answers as the primary');
is($standby->safe_psql('postgres', q{SET ROLE analyst; SELECT count(*) FROM shop.recommend(3)}), '10', 'also to a role that may only use the model');
is($standby->safe_psql('postgres', q{SELECT model, active_version FROM rec.model}), 'shop|1', 'the catalog is readable');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM rec.training_progress}), '0', 'so is the progress: nothing is trained there');
for my $call (q{rec.train('shop')}, q{rec.activate('shop', 1)}, q{rec.create_model('x', 'events')}, q{rec.drop_model('shop')})
{
	my ($status, undef, $error) = $standby->psql('postgres', "SELECT $call", extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	like($error, qr/ERROR:  (25006|55000)/, "$call is refused on the standby");
}

# New versions and new events
my $reader = session($standby);
my $ask = RecTest::answers_sql('shop');
is($reader->safe($ask), $first, 'a session of the standby');
train('{"seed": 2}');
catch_up();
my $second = answers($primary, 'shop');
isnt($second, $first, 'a new version answers differently');
is($reader->safe($ask), $second, 'and answers on the standby once it is there');
is($standby->safe_psql('postgres', q{SELECT string_agg(version || ' ' || state, ',') FROM rec.model_cache}), '2 ready', 'from the cache of the standby, which has let go of the former version');
$primary->safe_psql('postgres', 'INSERT INTO events SELECT 1, i FROM generate_series(41, 46) i');
catch_up();
like($reader->safe('SELECT * FROM shop.recommend(1)'), qr/folded_in/, 'new events are folded in on the standby');
is($reader->safe('SELECT * FROM shop.recommend(1)'), $primary->safe_psql('postgres', 'SELECT * FROM shop.recommend(1)'), 'as they are on the primary');
is($reader->safe('SELECT count(*) FROM shop.recommend(1, null) WHERE item_id BETWEEN 41 AND 46'), '0', 'and are excluded');

# Snapshots and locks on the standby against trainings and VACUUM on the primary
my $old = $reader->safe($ask);
my $snapshot = session($standby);
my $locker = session($standby);
$reader->safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
$snapshot->safe("BEGIN ISOLATION LEVEL REPEATABLE READ; $ask");
$primary->poll_query_until('postgres', 'SELECT count(backend_xmin) = 1 FROM pg_stat_replication') or die 'no feedback';
train('{"seed": 3}');
$primary->safe_psql('postgres', 'VACUUM shop.item_factors, shop.user_factors, shop.user_history, shop.model_version, rec.model');
catch_up();
is($reader->safe($ask), $old, 'a snapshot of the standby sees the version of before, now pruned');
is($snapshot->safe($ask), $old, 'so does one that was served before');
$_->safe('COMMIT') for $reader, $snapshot;
is($reader->safe($ask), answers($primary, 'shop'), 'after the transaction the new version answers');

# An idle transaction that has read the tables; the old version stands at their end, so that VACUUM could cut them off
# (and does, where nothing says that old rows are still needed)
$standby->append_conf('postgresql.conf', 'hot_standby_feedback = off');
$standby->reload;
$primary->poll_query_until('postgres', 'SELECT count(backend_xmin) = 0 FROM pg_stat_replication') or die 'feedback goes on';
train('{"seed": 4}');
$primary->safe_psql('postgres', 'VACUUM shop.item_factors, shop.user_factors, shop.user_history, shop.model_version');
catch_up();
$locker->safe('BEGIN; SELECT count(*) FROM shop.active_items; SELECT count(*) FROM shop.active_users; SELECT count(*) FROM shop.user_history');
for my $seed (5 .. 8)
{
	train(qq{{"seed": $seed}});
	$primary->safe_psql('postgres', 'VACUUM shop.item_factors, shop.user_factors, shop.user_history, shop.model_version');
	catch_up();
}
is($locker->error('SELECT count(*) FROM shop.active_items; COMMIT'), '', 'an idle transaction on the standby is not cancelled');
is($standby->safe_psql('postgres', 'SELECT sum(confl_tablespace + confl_lock + confl_snapshot + confl_bufferpin + confl_deadlock) FROM pg_stat_database_conflicts'),
	'0', 'there was no conflict');
$_->close for $reader, $snapshot, $locker;

# A standby that is promoted trains
$standby->promote;
my $digest = factors($standby, 'shop');
$standby->safe_psql('postgres', q{SELECT rec.train('shop', '{"seed": 8}')});
is($standby->safe_psql('postgres', 'SELECT active_version FROM rec.model'), '9', 'a promoted standby trains');
is(factors($standby, 'shop'), $digest, 'with the same result');

$standby->stop;
$primary->stop;
done_testing();
