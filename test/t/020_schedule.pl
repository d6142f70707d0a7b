# Scheduled retraining: real pg_cron, runs that overlap, fail, are cancelled or killed, and versions that are not good enough.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

my $node = new_server('schedule');
$node->start;
plan skip_all => 'pg_cron is not installed'
  unless $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron'});
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'pg_cron'
cron.database_name = 'postgres'
cron.use_background_workers = on
CONF
$node->restart;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_cron; CREATE EXTENSION pg_recommend;
	CREATE ROLE retrainer LOGIN; GRANT USAGE ON SCHEMA cron TO retrainer; GRANT CREATE ON DATABASE postgres TO retrainer;});
make_events($node, 'events', users => 300, items => 60, per_user => 8);
$node->safe_psql('postgres', q{
	GRANT SELECT ON events TO retrainer;
	SET ROLE retrainer;
	SELECT rec.create_model('shop', 'public.events', params => '{"factors": 8, "epochs": 3}', keep_versions => 20);});

sub last_run
{
	return $node->safe_psql('postgres', q{SELECT concat_ws('|', job, status, attempts, version, message) FROM rec.job_run
		WHERE model = 'shop' ORDER BY job_run DESC LIMIT 1});
}

# By pg_cron, as the role that scheduled it. Its jobs run at full minutes; set to run at the next start they need no waiting.
is($node->safe_psql('postgres', q{SET ROLE retrainer;
	SELECT job, at, job_id > 0, instruction IS NULL, next_run > now() FROM rec.schedule('shop', NULL, '10 3 * * *', 'always', retry_delay => '10 ms')}),
	'retrain|10 3 * * *|t|t|t', 'an ordinary role schedules a retraining');
is($node->safe_psql('postgres', 'SELECT schedule, command, username, jobname FROM cron.job'),
	"10 3 * * *|CALL rec.run_job('shop', 'retrain')|retrainer|pg_recommend retrain shop", 'which is a job of pg_cron');
$node->safe_psql('postgres', q{SELECT cron.alter_job(jobid, schedule => '@reboot') FROM cron.job});
$node->restart;
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM rec.job_run WHERE status = 'succeeded'}), 'the job has run');
is($node->safe_psql('postgres', 'SELECT job, status, attempts, version, message, run_by FROM rec.job_run'),
	'retrain|succeeded|1|1|no version is active|retrainer', 'what it did is noted');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM cron.job_run_details WHERE status = 'succeeded'}), 'by pg_cron, too');
is($node->safe_psql('postgres', 'SELECT active_version FROM rec.model'), '1', 'the version is active');

# For a time zone of its own the job is looked at often and runs when it is due.
is($node->safe_psql('postgres', q{SET ROLE retrainer;
	SELECT at, command, to_char(next_run AT TIME ZONE 'Asia/Kolkata', 'HH24:MI') FROM rec.schedule('shop', NULL, '10 3 * * *', 'always', time_zone => 'Asia/Kolkata', retry_delay => '10 ms')}),
	"10,25,40,55 * * * *|CALL rec.run_job('shop', 'retrain', due_only => true)|03:10", 'a time zone that pg_cron does not keep');
$node->safe_psql('postgres', q{CALL rec.run_job('shop', 'retrain', due_only => true)});
is($node->safe_psql('postgres', 'SELECT count(*) FROM rec.job_run'), '1', 'it is not due');
$node->safe_psql('postgres', q{UPDATE rec.schedule SET scheduled_at = now() - interval '2 days'; UPDATE rec.job_run SET started_at = now() - interval '25 hours';
	CALL rec.run_job('shop', 'retrain', due_only => true)});
like(last_run(), qr/^retrain\|succeeded\|1\|2\|it is trained at every run; activated: ndcg 0/, 'it is due');

# The gate
$node->safe_psql('postgres', q{CREATE TABLE whole AS SELECT * FROM events; DELETE FROM events WHERE user_id > 120});
$node->safe_psql('postgres', q{SET ROLE retrainer; CALL rec.run_now('shop')});
like(last_run(), qr/^retrain\|kept\|1\|3\|on demand; not activated: it was trained on 960 events, less than half of the 2400 of version 2/,
	'a version from half of the events is kept and not activated');
is($node->safe_psql('postgres', 'SELECT active_version FROM rec.model'), '2', 'the former one serves');
$node->safe_psql('postgres', q{TRUNCATE events; INSERT INTO events SELECT user_id, 1 + abs(hashint8(user_id * 77::bigint + item_id * 13 + row_number() OVER ())) % 60 FROM whole});
$node->safe_psql('postgres', q{CALL rec.run_now('shop')});
like(last_run(), qr/^retrain\|kept\|1\|4\|on demand; not activated: ndcg/, 'a version of noise is not activated');
$node->safe_psql('postgres', q{TRUNCATE events; INSERT INTO events SELECT * FROM whole; SELECT rec.schedule('shop', only_if => 'age > 7 days', retries => 2, retry_delay => '10 ms')});
$node->safe_psql('postgres', q{CALL rec.run_job('shop')});
is(last_run(), 'retrain|skipped|1|the active version is not older than 7 days', 'a condition that does not hold');
$node->safe_psql('postgres', q{SELECT rec.schedule('shop', only_if => 'age > 1 microsecond', retries => 2, retry_delay => '10 ms'); CALL rec.run_job('shop')});
like(last_run(), qr/^retrain\|succeeded\|1\|5\|the active version is older than/, 'one that holds');

# On the newest events: events with a time, of which the last day differs from what the active version has learnt.
$node->safe_psql('postgres', q{
	CREATE TABLE timed AS SELECT e.*, timestamptz '2026-01-01 00:00+00' + (row_number() OVER (ORDER BY hashint8(user_id * 7::bigint + item_id))) * interval '10 minutes' AS at
	FROM events e;
	CREATE INDEX ON timed (user_id) INCLUDE (item_id, at);
	GRANT SELECT ON timed TO retrainer;
	-- of each user new items of its taste, as make_events chooses them
	CREATE FUNCTION more_events(day timestamptz, first int) RETURNS void LANGUAGE sql AS $$
		INSERT INTO timed SELECT DISTINCT ON (u, i) u, i, day + u * interval '1 minute'
		FROM generate_series(1, 300) u, generate_series(first, first + 3) n,
			LATERAL (SELECT 1 + (u % 2) * 30 + floor(30 * power((abs(hashint8(u * 1000003::bigint + n)) % 1000000) / 1000000.0::float8, 2))::int) p(i)
		WHERE NOT EXISTS (SELECT FROM timed t WHERE (t.user_id, t.item_id) = (u, i)) $$;
	GRANT INSERT ON timed TO retrainer;
	SET ROLE retrainer;
	SELECT rec.create_model('timed', 'public.timed', time_column => 'at', params => '{"factors": 8, "epochs": 3}');
	CALL rec.run_now('timed');
	RESET ROLE;
	SELECT more_events('2026-01-18', 100);
	CALL rec.run_now('timed')});
like($node->safe_psql('postgres', q{SELECT status || ' ' || message FROM rec.job_run WHERE model = 'timed' ORDER BY job_run DESC LIMIT 1}),
	qr/^(succeeded|kept) on demand; (not )?activated: ndcg 0[.0-9]* on the holdout, version 1 0[.0-9]*; ndcg 0[.0-9]* on the events since 2026-01-1\d \d\d:\d\d \(\d+ users\), version 1 0/,
	'versions are compared on the newest events, too');
# Settings that learn nothing; without a holdout only the newest events tell.
$node->safe_psql('postgres', q{SELECT more_events('2026-01-19', 200);
	SELECT rec.alter_model('timed', params => '{"factors": 1, "regularization": 1000, "holdout": 0}'); CALL rec.run_now('timed')});
like($node->safe_psql('postgres', q{SELECT status || ' ' || message FROM rec.job_run WHERE model = 'timed' ORDER BY job_run DESC LIMIT 1}),
	qr/^kept on demand; not activated: ndcg 0[.0-9]* on the events since 2026-01-1/, 'and there a worse one is found out');

# Drift: events that are not those of the training call for a new one, once.
$node->safe_psql('postgres', q{SELECT rec.alter_model('timed', params => '{"factors": 8, "holdout": 0.1}'); SELECT rec.activate('timed', 2);
	SELECT rec.schedule('timed', only_if => 'drifted'); CALL rec.run_now('timed')});
$node->safe_psql('postgres', q{CALL rec.run_job('timed')});
is($node->safe_psql('postgres', q{SELECT status || ' ' || message FROM rec.job_run WHERE model = 'timed' ORDER BY job_run DESC LIMIT 1}),
	'skipped nothing has drifted since the training', 'no drift, no training');
$node->safe_psql('postgres', q{INSERT INTO timed SELECT 100000 + u, 1000 + u % 50, timestamptz '2026-02-01 00:00+00' + u * interval '10 minutes' FROM generate_series(1, 1000) u;
	CALL rec.run_now('timed', 'check')});
like($node->safe_psql('postgres', q{SELECT status || ' ' || message FROM rec.job_run WHERE model = 'timed' ORDER BY job_run DESC LIMIT 1}),
	qr/^succeeded .*[1-9]\d* drifted/, 'a check finds drift');
$node->safe_psql('postgres', q{CALL rec.run_job('timed')});
like($node->safe_psql('postgres', q{SELECT message FROM rec.job_run WHERE model = 'timed' ORDER BY job_run DESC LIMIT 1}),
	qr/^drifted: .*unknown_items.*; (not )?activated: /, 'and calls for a training');

# Failures
my $watch = session($node);
$node->safe_psql('postgres', 'CREATE VIEW broken AS SELECT user_id, item_id / (item_id - item_id) AS item_id FROM events');
$node->safe_psql('postgres', q{GRANT SELECT ON broken TO retrainer; SELECT rec.alter_model('shop', events => 'broken')});
my ($status, $out, $err) = $node->psql('postgres', q{LISTEN pg_recommend; CALL rec.run_now('shop')}, extra_params => [ '-v', 'ON_ERROR_STOP=0' ]);
like($err, qr/job retrain of model "shop" failed/, 'the caller is told');
is(last_run(), 'retrain|failed|3|division by zero', 'tried three times, and the error is noted');
($status, $out, $err) = $node->psql('postgres', q{LISTEN pg_recommend; CALL rec.run_now('shop');
SELECT 1}, on_error_stop => 0);
like($out, qr/Asynchronous notification "pg_recommend" with payload .*"status": "failed".*division by zero/, 'whoever listens is told');
is($node->safe_psql('postgres', q{SELECT active_version FROM rec.model WHERE model = 'shop'}), '5', 'the former version serves');

# Overlap, cancel, kill
$node->safe_psql('postgres', q{CREATE VIEW slow AS SELECT * FROM events UNION ALL SELECT NULL, NULL FROM pg_sleep(60)});
$node->safe_psql('postgres', q{GRANT SELECT ON slow TO retrainer; SELECT rec.alter_model('shop', events => 'slow')});
for my $end ('pg_cancel_backend', 'pg_terminate_backend')
{
	my $runner = session($node);
	$runner->send(q{CALL rec.run_now('shop')});
	wait_for($watch, q{SELECT count(*) FROM rec.job_run WHERE status = 'running'}, '1');
	$watch->safe(q{CALL rec.run_now('shop', 'check')});
	is(last_run(), 'check|skipped|0|another job of the model was under way', 'a run that overlaps is skipped and noted');
	$watch->query("SELECT $end(" . $runner->pid . ')');
	($out, $err) = $runner->wait;
	like($err, qr/canceling|terminating/, "$end");
	$node->safe_psql('postgres', q{SELECT rec.alter_model('shop', events => 'events')});
	$watch->safe(q{CALL rec.run_now('shop')});
	like(last_run(), qr/^retrain\|succeeded/, 'the next run is not held up, by the very session that was cancelled or another one');
	is($watch->query(q{SELECT count(*) FROM rec.job_run WHERE status = 'running'}), '0', 'the former one is noted as interrupted');
	$node->safe_psql('postgres', q{SELECT rec.alter_model('shop', events => 'slow')});
	ok(model_lock_free($watch), 'no lock stays');
}
is($watch->query(q{SELECT count(*) FROM rec.job_run WHERE status = 'interrupted'}), '2', 'two of them');
$node->safe_psql('postgres', q{SELECT rec.alter_model('shop', events => 'events'); UPDATE rec.job_run SET started_at = now() - interval '91 days'});
$node->safe_psql('postgres', q{CALL rec.run_now('shop')});
is($node->safe_psql('postgres', q{SELECT count(*) FROM rec.job_run WHERE model = 'shop'}), '1', 'old runs are pruned');

# Another database of the server, whose jobs live in that of pg_cron
$node->safe_psql('postgres', 'CREATE DATABASE "other db"');
make_events($node, 'events', db => 'other db', users => 50, items => 20, per_user => 5);
my $statement = $node->safe_psql('other db', q{CREATE EXTENSION pg_recommend; SELECT rec.create_model('it''s', 'events', params => '{"factors": 4, "epochs": 2}');
	SELECT instruction FROM rec.schedule('it''s', NULL, '@daily', 'always')});
$statement =~ s/^it's\n//;
like($statement, qr/^SELECT cron\.schedule_in_database\('pg_recommend retrain it''s in other db', '\@daily'/, 'the statement for pg_cron in another database');
$node->safe_psql('postgres', $statement);
$node->safe_psql('postgres', q{SELECT cron.alter_job(jobid, schedule => '@reboot') FROM cron.job WHERE database = 'other db'; SELECT rec.unschedule('shop')});
$node->restart;
ok($node->poll_query_until('other db', q{SELECT count(*) > 0 FROM rec.job_run WHERE status = 'succeeded'}), 'the job has run there');

# Jobs follow their model.
$node->safe_psql('postgres', q{SELECT rec.unschedule('timed'); SELECT rec.schedule('shop'); SELECT rec.rename_model('shop', 'Shop "2"')});
is($node->safe_psql('postgres', q{SELECT command FROM cron.job WHERE database = 'postgres' ORDER BY 1}),
	qq{CALL rec.run_job('Shop "2"', 'check')\nCALL rec.run_job('Shop "2"', 'retrain')}, 'a model that is renamed');
$node->safe_psql('postgres', q{SELECT rec.drop_model('Shop "2"')});
is($node->safe_psql('postgres', q{SELECT count(*) FROM cron.job WHERE database = 'postgres'}), '0', 'a model that is dropped');
is($node->safe_psql('postgres', q{SELECT count(*) FROM rec.job_run WHERE model <> 'timed'}), '0', 'and its runs');

$node->stop;
done_testing();
