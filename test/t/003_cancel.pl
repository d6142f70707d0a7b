# Cancelling a training in every phase, by hand and by statement_timeout: it ends soon, and nothing is left behind.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;
use Time::HiRes qw(time);

# What is asked for is one second; a busy machine gets more.
my $SOON = 8;

my $node = start_server('cancel');
make_events($node, 'events', users => 400, items => 80, per_user => 12);
make_many($node);
$node->safe_psql('postgres', q{
	SELECT rec.create_model('shop', 'events', params => '{"factors": 16, "epochs": 2}');
	SELECT rec.train('shop');});
my $before = answers($node, 'shop');
my $digest = factors($node, 'shop');
my $watch = session($node);

sub check_state
{
	my ($name, $trainer, $message, %common) = @_;

	like($watch->query(q{SELECT state || ': ' || message FROM rec.training_progress}), qr/^failed: $message/, "$name: the progress says so");
	ok(no_workers($watch), "$name: no worker is left");
	ok(model_lock_free($watch), "$name: the model is not locked");
	is($watch->query('SELECT active_version FROM rec.model'), '1', "$name: the former version is active");
	is($watch->query(q{SELECT count(*) FROM (SELECT version FROM shop.item_factors UNION ALL SELECT version FROM shop.user_history
		UNION ALL SELECT version FROM rec.training_run) v WHERE version <> 1}), '0', "$name: nothing of the new one is seen");
	is(join(' ', grep { !$common{$_} } mapped_segments($trainer->pid)), '', "$name: the session has let go of shared memory");
	is(answers($node, 'shop'), $before, "$name: same answers in another session");
	is($trainer->query(q{SELECT md5(string_agg(r::text, ',')) FROM shop.recommend(1) r}),
		$watch->query(q{SELECT md5(string_agg(r::text, ',')) FROM shop.recommend(1) r}), "$name: and in the session itself");
	return;
}

for my $phase ('loading', 'training', 'storing')
{
	my $trainer = session($node);

	# a session that has run a parallel query keeps some shared memory for the next one
	$trainer->safe(q{SELECT rec.alter_model('shop', events => 'many');
		BEGIN; SELECT rec.train('shop', '{"epochs": 1}'); ROLLBACK});
	my %common = map { $_ => 1 } mapped_segments($trainer->pid);
	train_until($node, 'shop', $phase, $trainer);
	my $start = time;

	$watch->query('SELECT pg_cancel_backend(' . $trainer->pid . ')');
	my (undef, $error) = $trainer->wait;
	like($error, qr/ERROR:  57014: canceling statement due to user request/, "$phase: cancelled");
	cmp_ok(time - $start, '<', $SOON, "$phase: soon");
	check_state($phase, $trainer, 'canceling statement due to user request', %common);
	$trainer->close;
}

# A timeout that strikes at many points of a training, in one session.
{
	my $trainer = session($node);
	my (%phases, $late);

	$trainer->safe(q{SELECT rec.alter_model('shop', events => 'many')});
	for my $milliseconds (map { 20 + 170 * $_ } 0 .. 11)
	{
		my $start = time;
		my $error = $trainer->error(qq{SET statement_timeout = $milliseconds;
			SELECT rec.train('shop', '{"factors": 48, "epochs": 3, "holdout": 0.1}', activate => false); RESET statement_timeout});

		$late = "$milliseconds ms took " . (time - $start) . ' s' if time - $start > $milliseconds / 1000 + $SOON;
		last if $error eq '';
		like($error, qr/ERROR:  57014: canceling statement due to statement timeout/, "timeout after $milliseconds ms") if $error !~ /57014/;
		$phases{ $trainer->query('SELECT phase FROM rec.training_progress') }++;
	}
	is($late, undef, 'every statement_timeout acts soon');
	cmp_ok(scalar keys %phases, '>=', 2, 'timeouts in the phases ' . join(', ', map { "$_ ($phases{$_})" } sort keys %phases));
	ok(no_workers($watch), 'no worker is left');
	ok(model_lock_free($watch), 'the model is not locked');
	is(factors($node, 'shop'), $digest, 'the factors of the active version are as before');
	is(answers($node, 'shop'), $before, 'so are the answers');
	$trainer->close;
}

# Many factors: a piece of work that cannot be interrupted must stay short.
for my $solver ('cg', 'cholesky')
{
	my $trainer = session($node);
	my $start = time;
	my $error = $trainer->error(qq{SELECT rec.alter_model('shop', events => 'many');
		SET statement_timeout = '2s';
		SELECT rec.train('shop', '{"factors": 1024, "epochs": 1, "holdout": 0, "solver": "$solver"}')});

	like($error, qr/57014/, "1024 factors, $solver: cancelled");
	cmp_ok(time - $start, '<', 2 + $SOON, "1024 factors, $solver: soon");
	note(sprintf '1024 factors, %s: %.2f s late', $solver, time - $start - 2);
	$trainer->close;
}

$node->safe_psql('postgres', q{SELECT rec.alter_model('shop', events => 'events'); SELECT rec.train('shop')});
is(factors($node, 'shop'), $digest, 'a training after all this gives the same factors');

$watch->close;
$node->stop;
done_testing();
