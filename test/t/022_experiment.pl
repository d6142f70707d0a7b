# Experiments on a hot standby, over a dump, and renamed while another session logs.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

my $primary = start_server('primary', undef, allows_streaming => 1);

make_events($primary, 'events', users => 200, items => 60, per_user => 8);
$primary->safe_psql('postgres', q{
	SELECT rec.create_model('shop', 'events', params => '{"factors": 8, "epochs": 2, "holdout": 0}');
	SELECT rec.train('shop');
	SELECT rec.train('shop', '{"seed": 7}');
	SELECT rec.create_experiment('ab', model => 'shop', versions => '{1,2}', coverage => 0.5);
	CREATE ROLE app;
	GRANT USAGE ON SCHEMA shop TO app;});
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

# A standby assigns and serves as the primary does, and never writes.
my $assign = q{SELECT md5(string_agg(coalesce(rec.variant('ab', u), '-'), '' ORDER BY u)) FROM generate_series(1, 5000) u};
my $serve = q{SELECT u, r.* FROM generate_series(1, 20) u, LATERAL shop.recommend(u, 3, experiment => 'ab') r ORDER BY u, rank};
catch_up();
my $before = $primary->safe_psql('postgres', $assign);
is($standby->safe_psql('postgres', $assign), $before, 'the standby assigns as the primary');
is($standby->safe_psql('postgres', $serve), $primary->safe_psql('postgres', $serve), 'and serves the variant\'s version');
is($standby->safe_psql('postgres', "SET ROLE app; $serve"), $primary->safe_psql('postgres', $serve), 'also to a role that may use the model');
for my $call (q{SELECT * FROM shop.serve(3, 5, 'home', 'ab')}, q{SELECT rec.log_exposure('ab', 3, 'control')}, q{SELECT rec.stop_experiment('ab')})
{
	my ($status, undef, $error) = $standby->psql('postgres', $call, extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	like($error, qr/ERROR:  25006/, "refused on the standby: $call");
}

# A session of the standby follows changes of the definition.
my $reader = session($standby);
is($reader->safe($assign), $before, 'a session of the standby');
$primary->safe_psql('postgres', q{SELECT rec.alter_experiment('ab', coverage => 1)});
catch_up();
my $ramped = $primary->safe_psql('postgres', $assign);
isnt($ramped, $before, 'a ramp-up changes who is in');
is($reader->safe($assign), $ramped, 'and reaches the session on the standby');

# Snapshots: a transaction goes on with the definition that it saw.
my $old = session($primary);
$old->safe(q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT rec.variant('ab', 1)});
$primary->safe_psql('postgres', q{SELECT rec.stop_experiment('ab')});
is($old->safe($assign), $ramped, 'an old snapshot has the old definition');
$old->safe('COMMIT');
is($old->safe(q{SELECT rec.variant('ab', 1) IS NULL}), 't', 'a new one the new');
$primary->safe_psql('postgres', q{SELECT rec.start_experiment('ab')});

# Renamed while another session has logged under the old name and not committed.
my $logger = session($primary);
$logger->safe(q{BEGIN; SELECT rec.log_exposure('ab', u) FROM generate_series(1, 50) u});
$primary->safe_psql('postgres', q{SELECT rec.rename_experiment('ab', 'renamed')});
$logger->safe('COMMIT');
is($primary->safe_psql('postgres', q{SELECT count(*) FROM rec.exposure x JOIN rec.experiment e ON e.id = x.experiment_id WHERE e.experiment = 'renamed'}),
	'50', 'no exposure is lost by a rename');
is($primary->safe_psql('postgres', $assign =~ s/'ab'/'renamed'/r), $ramped, 'nor a variant');
$_->close for $reader, $old, $logger;

# Dump and restore, with partitions: everything arrives, and goes on.
$primary->safe_psql('postgres', q{
	SELECT * FROM shop.serve(3, 5, 'home', 'renamed');
	SELECT rec.maintain_partitions();
	SELECT rec.log_exposure('renamed', 'after', 'control')});
my @state = (
	q{SELECT to_jsonb(e) - 'created_at' FROM rec.experiment e ORDER BY 1},
	q{SELECT e.experiment, unit_id, variant, exposed_at FROM rec.exposure x JOIN rec.experiment e ON e.id = x.experiment_id ORDER BY 1, 2, 3},
	q{SELECT * FROM rec.impression ORDER BY rank},
	q{SELECT inhparent::regclass, inhrelid::regclass FROM pg_inherits WHERE inhparent IN ('rec.exposure'::regclass, 'rec.impression'::regclass) ORDER BY inhrelid::regclass::text});
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$primary->safe_psql('postgres', 'CREATE DATABASE copy');
$primary->command_ok([ 'pg_dump', '-p', $primary->port, '-h', $primary->host, '-f', $dump, 'postgres' ], 'dump');
$primary->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-p', $primary->port, '-h', $primary->host, '-f', $dump, 'copy' ], 'restore');
is($primary->safe_psql('copy', $_), $primary->safe_psql('postgres', $_), "arrives: $_") for @state;
is($primary->safe_psql('copy', $assign =~ s/'ab'/'renamed'/r), $ramped, 'with the same assignment');
is($primary->safe_psql('copy', q{SELECT rec.create_experiment('next'); SELECT count(DISTINCT id) = count(*) FROM rec.experiment}), "next\nt", 'new experiments get new numbers');
is($primary->safe_psql('copy', q{SELECT rec.log_exposure('renamed', 'in the copy', 'control'); SELECT count(*) FROM rec.exposure}), "control\n52", 'and logging goes on');

$standby->stop;
$primary->stop;
done_testing();
