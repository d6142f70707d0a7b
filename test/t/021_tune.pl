# rec.tune: cancelled, killed and crashed studies keep their trials, leave no lock behind, and go on.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

my $node = start_server('tune');
make_events($node, 'events', users => 2000, items => 400, per_user => 40);
$node->safe_psql('postgres', q{SELECT rec.create_model('shop', 'events', params => '{"epochs": 6}')});
my $watch = session($node);
my $call = q{CALL rec.tune('shop', '{"factors": [16, 32, 48], "regularization": {"min": 0.001, "max": 10, "scale": "log"}}', trials => };

sub trials { return $watch->query(q{SELECT count(*) FROM rec.trial WHERE stage = 'search'}); }

# Starts a study and returns when it has finished some trials.
sub tune_until
{
	my ($n) = @_;
	my $tuner = session($node);

	$tuner->send($call . '1000)');
	wait_for($watch, qq{SELECT count(*) >= $n FROM rec.trial WHERE stage = 'search'}, 't');
	return $tuner;
}

sub check_left
{
	my ($name, $least) = @_;

	cmp_ok(trials(), '>=', $least, "$name: finished trials are there");
	is($watch->query('SELECT count(DISTINCT study) FROM rec.trial'), '1', "$name: of one study");
	ok(no_workers($watch), "$name: no worker is left");
	ok(model_lock_free($watch), "$name: the model is not locked");
	return;
}

# while it runs
my $tuner = tune_until(3);
like($watch->query(q{SELECT state || ' ' || phase || ' ' || message FROM rec.training_progress WHERE model = 'shop'}),
	qr/^running training trial \d+ of 1000, best ndcg\@10 0\.\d+$/, 'the progress view');
ok($watch->query(q{SELECT epoch >= 3 AND epochs = 1000 AND metric > 0 AND eta_seconds > 0 FROM rec.training_progress}) eq 't', 'with numbers');
my ($code, undef, $error) = $node->psql('postgres', q{SELECT rec.train('shop')});
like($error, qr/is being trained or changed by another session/, 'nobody else trains the model meanwhile');
is($watch->query(q{SELECT count(*) FROM pg_locks WHERE relation = 'events'::regclass AND pid = } . $tuner->pid), '0', 'the events are not locked while trials run');
is($watch->query('SELECT rec.model.params FROM rec.model'), '{"epochs": 6}', 'others read the catalog');
$node->safe_psql('postgres', 'ALTER TABLE events ADD COLUMN more int');

# cancelled
$watch->query('SELECT pg_cancel_backend(' . $tuner->pid . ')');
(undef, $error) = $tuner->wait;
like($error, qr/canceling statement due to user request/, 'cancelled');
check_left('cancelled', 3);
my $before = trials();
is($tuner->query('SELECT 1'), '1', 'the session goes on');
is(join(' ', mapped_segments($tuner->pid)) =~ /\S+ \S+ \S+/ ? 'many' : 'few', 'few', 'and has let go of shared memory');
# the same session can tune again
$tuner->send($call . '1000)');
wait_for($watch, q{SELECT count(*) >= } . ($before + 2) . q{ FROM rec.trial WHERE stage = 'search'}, 't');

# terminated
$watch->query('SELECT pg_terminate_backend(' . $tuner->pid . ')');
wait_gone($tuner->pid);
check_left('terminated', $before + 2);
like($watch->query(q{SELECT state || ': ' || message FROM rec.training_progress}), qr/^failed: /, 'terminated: the progress says so');

# crashed
$before = trials();
tune_until($before + 2);
$watch->close;
$node->stop('immediate');
$node->start;
$watch = session($node);
check_left('crashed', $before + 2);

# and to the end
$before = trials();
($code, undef, $error) = $node->psql('postgres', $call . ($before + 2) . ')');
is($code, 0, 'the study goes on to its end') or diag $error;
like($error, qr/NOTICE:  going on with study 1 after $before trials/, 'from where it was');
like($error, qr/NOTICE:  trial @{[$before + 1]} of @{[$before + 2]}: ndcg\@10 .*, best 0\.\d+ of trial \d+, at most \d+ s left/, 'with the best so far and what is left');
is(trials(), $before + 2, 'with so many trials');
is($watch->query(q{SELECT count(*) FROM rec.trial WHERE stage = 'final' AND value > 0}), '1', 'and a final value');

# a winner at the end of a range is worth a warning, one of a list of names is not
$node->safe_psql('postgres', q{CREATE TABLE few AS SELECT u AS user_id, u % 5 * 20 + (u * 7 + n * n) % 20 AS item_id FROM generate_series(1, 200) u, generate_series(1, 15) n;
	SELECT rec.create_model('small', 'few', params => '{"epochs": 3, "factors": 8}')});
($code, undef, $error) = $node->psql('postgres',
	q{CALL rec.tune('small', '{"regularization": {"min": 50, "max": 50000, "scale": "log", "steps": 4}, "weight_transform": ["log1p", "binary"]}', 'grid')});
is($code, 0, 'a space whose best is at its end');
is($node->safe_psql('postgres', q{SELECT params->>'regularization' FROM rec.trial WHERE model = 'small' AND stage = 'final'}), '50', 'the least regularization is the best there');
is(join("\n", $error =~ /WARNING:  .*/g), 'WARNING:  the best params lie on the boundary of the space: "regularization"', 'a warning, that names the parameter and no other');
like($error, qr/HINT:  A wider space may hold a better one\./, 'with a hint');
($code, undef, $error) = $node->psql('postgres', q{CALL rec.tune('small', '{"weight_transform": ["log1p", "binary"]}', 'grid')});
is($code, 0, 'a space of names');
unlike($error, qr/WARNING/, 'has no boundary');
($code, undef, $error) = $node->psql('postgres', q{CALL rec.tune('small', '{"factors": [2, 4], "frequency_exponent": {"min": 0, "max": 2, "steps": 2}}', 'grid')});
is($code, 0, 'a list of two values, and all that a parameter can be');
unlike($error, qr/WARNING/, 'have nothing beyond');
($code, undef, $error) = $node->psql('postgres', q{CALL rec.tune('small', '{"regularization": [50, 500, 5000]}', 'grid')});
like($error, qr/WARNING:  the best params lie on the boundary of the space: "regularization"/, 'a longer list has');
$node->stop;
done_testing();
