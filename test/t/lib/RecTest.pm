# What the TAP tests of pg_recommend share: a server with the extension, event
# tables, sessions that run in the background, and digests of what is served.
package RecTest;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);
use Test::More;
use RecTest::Session;

our @EXPORT = qw(new_server start_server make_events answers factors session wait_for wait_phase make_many train_until no_workers
  model_lock_free mapped_segments wait_gone);

# PostgreSQL's test module sends standard error to a file: say why a test died where it is seen.
$SIG{__DIE__} = sub { diag("died: $_[0]") if defined $^S && !$^S; };

my $PATIENCE = $PostgreSQL::Test::Utils::timeout_default || 180;

# new_server(NAME, CONFIGURATION, INIT OPTIONS...): initialised, not started.
sub new_server
{
	my ($name, $conf, %init) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ], %init);
	$node->append_conf('postgresql.conf', <<'CONF');
max_connections = 40
max_worker_processes = 16
max_parallel_workers = 16
max_parallel_maintenance_workers = 2
shared_buffers = 64MB
max_wal_size = 2GB
log_statement = none
CONF
	$node->append_conf('postgresql.conf', $conf) if defined $conf;
	return $node;
}

# The same, started, with the extension in the database postgres.
sub start_server
{
	my $node = new_server(@_);

	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_recommend');
	return $node;
}

# make_events(NODE, TABLE, users => , items => , per_user => , ...): deterministic
# events (user_id, item_id) with popular and rare items and two tastes, analyzed.
#   type => SQL type of both keys    index => 0: none on the user
sub make_events
{
	my ($node, $table, %o) = @_;
	my $db = $o{db} // 'postgres';
	my $type = $o{type} // 'int';
	my $prefix = $type eq 'text' ? "'k''\"' || " : '';
	my $half = int($o{items} / 2);

	$node->safe_psql(
		$db, qq{
		CREATE TABLE $table (user_id $type, item_id $type);
		INSERT INTO $table
		SELECT $prefix u, $prefix (1 + (u % 2) * $half +
			floor($half * power((abs(hashint8(u * 1000003::bigint + n)) % 1000000) / 1000000.0::float8, 2))::int)
		FROM generate_series(1, $o{users}) u, generate_series(1, $o{per_user}) n;
		ANALYZE $table;});
	$node->safe_psql($db, "CREATE INDEX ON $table (user_id) INCLUDE (item_id)") if $o{index} // 1;
	return;
}

# Everything that a model answers for a few users, as text to compare.
sub answers
{
	my ($node, $model, %o) = @_;

	return $node->safe_psql($o{db} // 'postgres', answers_sql($model, %o));
}

# answers_sql(MODEL, users => SQL, item => SQL): MODEL is quoted as an identifier by the caller.
sub answers_sql
{
	my ($model, %o) = @_;
	my $users = $o{users} // 'SELECT generate_series(1, 12)';
	my $item = $o{item} // '3';

	return qq{
		SELECT u.id, r.* FROM ($users) u(id), LATERAL $model.recommend(u.id, 6) r ORDER BY u.id, r.rank;
		SELECT u.id, r.* FROM ($users LIMIT 3) u(id), LATERAL $model.explain(u.id, $item, 4) r ORDER BY u.id, r.rank;
		SELECT u.id, $model.predict(u.id, $item) FROM ($users) u(id) ORDER BY u.id;
		SELECT * FROM $model.recommend_for(ARRAY[$item], 5);
		SELECT * FROM $model.similar_items($item, 5);
		SELECT u.id, r.* FROM ($users LIMIT 2) u(id), LATERAL $model.similar_users(u.id, 4) r ORDER BY u.id, r.rank;
		SELECT * FROM $model.recommend_users($item, 4);};
}

# Digest of the stored factors of a version (default: the active one).
sub factors
{
	my ($node, $model, $version, $db) = @_;
	my $which = $version // "(SELECT active_version FROM rec.model WHERE quote_ident(model) = \$q\$$model\$q\$)";

	return $node->safe_psql($db // 'postgres', qq{
		SELECT md5(string_agg(item_id || factors::text || bias || popularity, ';' ORDER BY position))
		FROM $model.item_factors WHERE version = $which
		UNION ALL
		SELECT md5(string_agg(user_id || factors::text || bias, ';' ORDER BY user_id))
		FROM $model.user_factors WHERE version = $which});
}

# A session of its own that can work in the background, see RecTest/Session.pm.
sub session
{
	my ($node, $db) = @_;

	return RecTest::Session->new($node, $db // 'postgres');
}

# wait_for(SESSION, SQL, EXPECTED): asks every few milliseconds until the answer is the expected one (a string or qr//).
sub wait_for
{
	my ($session, $sql, $expected) = @_;
	my $until = time + $PATIENCE;
	my $answer;

	while (time < $until)
	{
		$answer = $session->query($sql);
		return $answer if ref $expected ? $answer =~ $expected : $answer eq $expected;
		sleep 0.005;
	}
	die "waited in vain for $expected: $sql\nlast answer: $answer\n";
}

# Waits until the training of a model by the given backend, begun after $since, is in a phase (and has finished so many epochs).
sub wait_phase
{
	my ($watch, $model, $pid, $phase, $epoch, $since) = @_;

	$epoch //= 0;
	my $answer = wait_for($watch,
		"SELECT state || ' ' || (phase = '$phase' AND epoch >= $epoch) FROM rec.training_progress"
		  . " WHERE model = '$model' AND pid = $pid AND started_at >= '$since'",
		qr/^(running true|done .*|failed .*)$/);
	die "the training is not in phase $phase any more: $answer\n" unless $answer =~ /^running/;
	return;
}

# make_many(NODE): the events "many", a training on which takes long enough to be met in every phase, and "slow", the
# same with some seconds of waiting at the end of reading.
sub make_many
{
	my ($node) = @_;

	make_events($node, 'many', users => 120000, items => 2000, per_user => 6, index => 0);
	$node->safe_psql('postgres',
		'CREATE VIEW slow AS SELECT * FROM many UNION ALL SELECT NULL, NULL FROM pg_sleep(10)');
	return;
}

# Starts a training of a model and returns when it is in the wanted phase: the session that trains. The model's events
# are set for it: see make_many.
sub train_until
{
	my ($node, $model, $phase, $trainer) = @_;
	my $watch = session($node);
	my $params = '{"factors": 48, "holdout": 0, "epochs": ' . ($phase eq 'training' ? 1000 : 1) . '}';
	my $events = $phase eq 'loading' ? 'slow' : 'many';

	$trainer //= session($node);
	$trainer->safe("SELECT rec.alter_model('$model', events => '$events')");
	my $since = $watch->query('SELECT clock_timestamp()');	# the session's former training is not meant
	$trainer->send("SELECT rec.train('$model', '$params')");
	wait_phase($watch, $model, $trainer->pid, $phase, $phase eq 'training' ? 2 : 0, $since);
	$watch->close;
	return $trainer;
}

# Parallel workers are gone.
sub no_workers
{
	my ($watch) = @_;

	wait_for($watch, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'", '0');
	return 1;
}

# Nobody holds the lock of a model.
sub model_lock_free
{
	my ($watch) = @_;

	return $watch->query("SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND classid = 'rec.model'::regclass") eq '0';
}

# The dynamic shared memory segments that a process has mapped. (Not all that there are: other tests run beside this one.)
sub mapped_segments
{
	my ($pid) = @_;
	my %names;

	open my $maps, '<', "/proc/$pid/maps" or return ();
	while (my $line = <$maps>)
	{
		$names{$1} = 1 if $line =~ m{(/dev/shm/PostgreSQL\.\S+)};
	}
	return sort keys %names;
}

# Waits until a process is gone (or a zombie).
sub wait_gone
{
	my ($pid) = @_;
	my $until = time + $PATIENCE;

	while (time < $until)
	{
		open my $stat, '<', "/proc/$pid/stat" or return 1;
		my $line = <$stat>;
		return 1 if !defined $line || $line =~ /\) Z /;
		sleep 0.01;
	}
	return 0;
}

1;
