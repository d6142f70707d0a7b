# Retraining as a job of pg_cron.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

my $node = new_server('cron');
$node->start;
plan skip_all => 'pg_cron is not installed'
  unless $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron'});
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'pg_cron'
cron.database_name = 'postgres'
cron.use_background_workers = on
CONF
$node->restart;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cron; CREATE EXTENSION pg_recommend');
make_events($node, 'events', users => 20000, items => 400, per_user => 8);
$node->safe_psql('postgres', q{
	CREATE ROLE retrainer LOGIN;
	GRANT USAGE ON SCHEMA cron TO retrainer;
	GRANT SELECT ON events TO retrainer;
	GRANT CREATE ON DATABASE postgres TO retrainer;
	SET ROLE retrainer;
	SELECT rec.create_model('shop', 'public.events', params => '{"factors": 64, "epochs": 8}');});

# Jobs that run when the server starts need no waiting.
$node->safe_psql('postgres', q{
	SET ROLE retrainer;
	SELECT cron.schedule('retrain', '@reboot', $$SELECT rec.train('shop')$$);
	SELECT cron.schedule('broken', '@reboot', $$SELECT rec.train('shpo')$$);});
$node->restart;
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM rec.training_run}), 'the job has trained the model');
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM cron.job_run_details d JOIN cron.job j USING (jobid)
	WHERE jobname = 'retrain' AND d.status = 'succeeded'}), 'and is noted as succeeded');
is($node->safe_psql('postgres', 'SELECT DISTINCT trained_by FROM rec.training_run'), 'retrainer', 'as the role of the job');
is($node->safe_psql('postgres', 'SELECT count(*) FROM shop.recommend(1)'), '10', 'the version is served');
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM cron.job_run_details d JOIN cron.job j USING (jobid)
	WHERE jobname = 'broken' AND d.status = 'failed' AND return_message LIKE '%model "shpo" does not exist%'}), 'a failed job says why');
$node->safe_psql('postgres', 'SELECT cron.unschedule(jobid) FROM cron.job');

is($node->safe_psql('postgres', q{SELECT version > 1 FROM rec.train('shop')}), 't', 'a superuser may train it too');
$node->stop;
done_testing();
