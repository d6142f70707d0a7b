# Where there is no shared memory or no worker to be had, a training is serial, says why, and gives the same factors.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

my $create = q{SELECT rec.create_model('shop', 'events', params => '{"factors": 32, "epochs": 8, "holdout": 0}')};
my $node = start_server('memory');

sub fill
{
	make_events($node, 'events', users => 50000, items => 1000, per_user => 6);
	$node->safe_psql('postgres', $create);
	return;
}

# Trains and returns the number of workers, the notices and a digest of the factors.
sub train
{
	my ($settings) = @_;
	my ($status, $out, $err) = $node->psql('postgres',
		($settings // '') . q{; SELECT rec.train('shop')}, extra_params => [ '-v', 'ON_ERROR_STOP=1' ]);

	return (-1, $err, '') if $status != 0;
	return ($node->safe_psql('postgres', 'SELECT workers FROM rec.training_run ORDER BY version DESC LIMIT 1'),
		$err, factors($node, 'shop'));
}

fill();
my ($workers, $notices, $digest) = train();
cmp_ok($workers, '>', 0, "a training with $workers workers");
unlike($notices, qr/without parallel workers/, 'and nothing to say about it');

my @serial = train('SET max_parallel_maintenance_workers = 0');
is($serial[0], '0', 'max_parallel_maintenance_workers = 0');
is($serial[2], $digest, 'gives the same factors');
@serial = train('SET max_parallel_workers = 0');
is($serial[0], '0', 'max_parallel_workers = 0');
is($serial[2], $digest, 'gives the same factors');

# Settings that need a restart
for my $setting ('max_worker_processes = 0', 'dynamic_shared_memory_type = mmap')
{
	$node->append_conf('postgresql.conf', $setting);
	$node->restart;
	my ($n, $said, $factors) = train();
	isnt($n, '-1', "$setting: training works") or diag($said);
	is($factors, $digest, "$setting: same factors");
	if ($setting =~ /max_worker/) { is($n, '0', "$setting: serial"); }
	else { cmp_ok($n, '>', 0, "$setting: with workers"); }
	$node->append_conf('postgresql.conf', "max_worker_processes = 16\ndynamic_shared_memory_type = posix");
}

# A small /dev/shm: a mount namespace of the server's own
SKIP:
{
	my @unshare = $> == 0 ? ('unshare', '-m') : ('unshare', '-r', '-m');
	my $data = $node->data_dir;

	$node->stop;
	# the server refuses to run as root, also as the root of a user namespace: it goes back to its own number in a second one
	my $start = "mount -t tmpfs -o size=%s,mode=1777 tmpfs /dev/shm && unshare -U --map-user=$> --map-group=" . ($) + 0)
	  . " pg_ctl -D '$data' -l '" . $node->logfile . "' -w start && { %s true; }";
	skip 'this system does not let ' . ($> == 0 ? 'root' : 'a user') . ' make a mount namespace', 11
	  if system(sprintf("%s sh -c 'mount -t tmpfs -o size=1M tmpfs /dev/shm && unshare -U --map-user=$> true' >/dev/null 2>&1", join ' ', @unshare)) != 0;
	for my $size ('8M', '24M', 'full')
	{
		# one that is full when the training begins, so that not even the events can be read in parallel
		my @fill = $size eq 'full' ? ('24M', 'cat /dev/zero >/dev/shm/full 2>/dev/null;') : ($size, '');

		if (system(@unshare, 'sh', '-c', sprintf($start, @fill)) != 0)
		{
			fail("$size: start of the server") for 1 .. 3;
			next;
		}
		$node->_update_pid(1);
		my ($n, $said, $factors) = train();
		is($n, '0', "/dev/shm $size: serial");
		like($said, qr/NOTICE:  training without parallel workers: not enough shared memory\nDETAIL:  .*MB.*\nHINT:  .*--shm-size/,
			"/dev/shm $size: and says so");
		is($factors, $digest, "/dev/shm $size: same factors");
		if ($size eq 'full')
		{
			# a session that finds no room for a version keeps a copy of its own, and says so once
			my ($status, $out, $err) = $node->psql('postgres', q{SELECT count(*) FROM shop.recommend(7); SELECT count(*) FROM shop.recommend(8);
				SELECT rec.train('shop', '{"seed": 5, "epochs": 1}'); SELECT count(*) FROM shop.recommend(9); SELECT count(*) FROM rec.model_cache});

			like($out, qr/^10\n10\n.*\n10\n0$/s, '/dev/shm full: requests are answered, nothing is in the cache');
			is(scalar(() = $err =~ /kept in this session's own memory/g), 1, '/dev/shm full: with one notice') or diag($err);
		}
		$node->stop;
	}
}

done_testing();
