# No thread ever exists in a backend because of this extension: neither while training nor while serving.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

plan skip_all => 'needs /proc' unless -d "/proc/$$/task";

sub threads
{
	my ($pid) = @_;

	opendir my $dir, "/proc/$pid/task" or return 0;
	my $n = grep { /^\d+$/ } readdir $dir;
	closedir $dir;
	return $n;
}

# What a library for linear algebra would go by
delete @ENV{qw(OPENBLAS_NUM_THREADS OMP_NUM_THREADS GOTO_NUM_THREADS)};
my $node = start_server('threads');
make_events($node, 'events', users => 20000, items => 1000, per_user => 6);
$node->safe_psql('postgres', q{SELECT rec.create_model('shop', 'events')});
my $watch = session($node);

for my $solver ('cg', 'cholesky')
{
	my $trainer = session($node);
	my (%seen, $workers);

	$trainer->send(qq{SELECT rec.train('shop', '{"solver": "$solver", "factors": 128, "epochs": 4}')});
	until ($trainer->ended)
	{
		$seen{leader}{ threads($trainer->pid) }++;
		for my $pid (split /\n/, $watch->query(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'parallel worker'}))
		{
			my $n = threads($pid);
			$seen{workers}{$n}++ if $n > 0;
		}
	}
	is(($trainer->wait)[1], '', "$solver: a training");
	is(join(',', keys %{ $seen{leader} }), '1', "$solver: one thread in the session while it trains");
	is(join(',', keys %{ $seen{workers} }), '1', "$solver: one thread in each worker");
	is(threads($trainer->pid), 1, "$solver: one thread afterwards");
	$trainer->safe(q{SELECT * FROM shop.recommend(1); SELECT * FROM shop.similar_items(3); SELECT * FROM shop.explain(1, 3);
		SELECT * FROM shop.recommend_for(ARRAY[1, 2]); SELECT * FROM shop.recommend_users(3); SELECT * FROM shop.similar_users(1)});
	is(threads($trainer->pid), 1, "$solver: and after serving");
	$trainer->close;
}

my $reader = session($node);
$reader->safe('SELECT * FROM shop.recommend(1); SELECT * FROM shop.recommend_for(ARRAY[1, 2])');
is(threads($reader->pid), 1, 'one thread in a session that only serves');

open my $maps, '<', '/proc/' . $reader->pid . '/maps' or die;
unlike(join('', <$maps>), qr/blas/i, 'which has loaded no library for linear algebra');
close $maps;
$_->close for $reader, $watch;
$node->stop;
done_testing();
