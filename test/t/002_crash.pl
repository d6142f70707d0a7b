# A server that dies in the middle of a training: the former version stays, nothing of the unfinished one is left.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

my $node = start_server('crash', "restart_after_crash = on\n");
make_events($node, 'events', users => 400, items => 80, per_user => 12);
make_many($node);
$node->safe_psql('postgres', q{
	SELECT rec.create_model('shop', 'events', params => '{"factors": 16, "epochs": 2}');
	SELECT rec.train('shop');});
my $before = answers($node, 'shop');
my $digest = factors($node, 'shop');

sub check_state
{
	my ($name) = @_;

	is($node->safe_psql('postgres', 'SELECT active_version FROM rec.model'), '1', "$name: the former version is active");
	is($node->safe_psql('postgres', q{
		SELECT count(*) FROM (SELECT version FROM shop.model_version UNION ALL SELECT version FROM shop.item_factors
			UNION ALL SELECT version FROM shop.user_factors UNION ALL SELECT version FROM shop.user_history
			UNION ALL SELECT version FROM rec.training_run) v WHERE version <> 1}), '0', "$name: no row of the unfinished version");
	is(factors($node, 'shop'), $digest, "$name: the factors are those of before");
	is(answers($node, 'shop'), $before, "$name: so are the answers");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM rec.training_progress'), '0', "$name: no progress is left");
	$node->safe_psql('postgres', 'VACUUM shop.item_factors, shop.user_factors, shop.user_history, shop.model_version');
	return;
}

for my $phase ('loading', 'training', 'storing')
{
	my $trainer = train_until($node, 'shop', $phase);
	my @segments = mapped_segments($trainer->pid);

	ok(scalar @segments > 0, "$phase: the segments of shared memory are known") if $phase eq 'training';
	kill 9, $trainer->pid;
	like(($trainer->wait)[1], qr/terminated abnormally|server closed the connection|connection to server was lost/, "$phase: killed");
	$trainer->close;
	$node->poll_query_until('postgres', 'SELECT true') or die 'the server does not come back';
	check_state($phase);
	is(join(' ', grep { -e } @segments), '', "$phase: no shared memory is left");
}

{
	my $trainer = train_until($node, 'shop', 'training');
	my @segments = mapped_segments($trainer->pid);

	$node->stop('immediate');
	$trainer->wait;
	$trainer->close;
	is(join(' ', grep { -e } @segments), '', 'immediate stop: no shared memory is left');
	$node->start;
	check_state('immediate stop');
}

{
	# a worker that is killed takes the server down too, one that is terminated only the training
	my $trainer = train_until($node, 'shop', 'training');
	my $worker = $node->safe_psql('postgres',
		"SELECT coalesce(min(pid), 0) FROM pg_stat_activity WHERE backend_type = 'parallel worker'");

	isnt($worker, '0', 'the training has a worker');
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($worker)");
	like(($trainer->wait)[1], qr/57P01|terminating/, 'a terminated worker ends the training with an error');
	is($trainer->safe("SELECT count(*) FROM shop.recommend(1)"), '10', 'the session goes on');
	$trainer->close;
	is($node->safe_psql('postgres', 'SELECT state FROM rec.training_progress'), 'failed', 'the progress says so');
}

{
	# a terminated session cannot say anything: the progress finds out
	my $trainer = train_until($node, 'shop', 'training');

	$node->safe_psql('postgres', 'SELECT pg_terminate_backend(' . $trainer->pid . ')');
	$trainer->wait;
	wait_gone($trainer->pid);
	$trainer->close;
	is($node->safe_psql('postgres', 'SELECT state, message FROM rec.training_progress'),
		'failed|the session ended during the training', 'progress of a terminated session');
	my $watch = session($node);
	ok(no_workers($watch), 'its workers are gone');
	ok(model_lock_free($watch), 'its lock too');
	$watch->close;
}

$node->safe_psql('postgres', q{SELECT rec.alter_model('shop', events => 'events');
	SELECT rec.train('shop')});
is($node->safe_psql('postgres', 'SELECT active_version FROM rec.model'), '2', 'training works again');
is(factors($node, 'shop'), $digest, 'and gives the same factors');

$node->stop;
done_testing();
