# A model is served by a restarted server as before, after a clean stop and after an immediate one.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

my $node = start_server('restart');
make_events($node, 'events', users => 400, items => 80, per_user => 12);
$node->safe_psql('postgres', q{
	SELECT rec.create_model('shop', 'events', params => '{"factors": 16, "epochs": 3}');
	SELECT rec.train('shop');});
my $before = answers($node, 'shop');
my $digest = factors($node, 'shop');

is($node->safe_psql('postgres', 'SELECT model, state FROM rec.training_progress'), 'shop|done', 'progress of the last training');
for my $mode ('fast', 'immediate')
{
	$node->stop($mode);
	$node->start;
	is(answers($node, 'shop'), $before, "same answers after stop -m $mode");
	is(factors($node, 'shop'), $digest, "same factors after stop -m $mode");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM rec.training_progress'), '0', "no progress is left after stop -m $mode");
}

$node->safe_psql('postgres', q{SELECT rec.train('shop')});
is(factors($node, 'shop'), $digest, 'a training after the restart repeats the former one bit for bit');
is($node->safe_psql('postgres', q{SELECT active_version FROM rec.model}), '2', 'it is the second version');
is(answers($node, 'shop'), $before, 'and answers the same');

$node->stop;
done_testing();
