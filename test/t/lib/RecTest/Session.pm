# A psql session in the background. PostgreSQL's own BackgroundPsql differs between
# versions in what it does with errors; here errors come back as text with their
# SQLSTATE, and a statement can be sent now and waited for later.
package RecTest::Session;

use strict;
use warnings FATAL => 'all';

use IPC::Run;
use PostgreSQL::Test::Utils;

sub new
{
	my ($class, $node, $db) = @_;
	my $self = bless { in => '', out => '', err => '', count => 0, waiting => 0 }, $class;

	$self->{timer} = IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default || 180);
	$self->{run} = IPC::Run::start(
		[ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-v', 'ON_ERROR_STOP=0', '-d', $node->connstr($db), '-f', '-' ],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err}, $self->{timer});
	# notices of trainings are not errors
	$self->{pid} = $self->query('SET client_min_messages = warning; SELECT pg_backend_pid()');
	return $self;
}

# The process id of its backend.
sub pid { return $_[0]->{pid}; }

# Starts a statement and returns at once.
sub send
{
	my ($self, $sql) = @_;

	die "a statement is under way\n" if $self->{waiting};
	$self->{count}++;
	$self->{waiting} = 1;
	$self->{timer}->start($PostgreSQL::Test::Utils::timeout_default || 180);
	$self->{in} .= "$sql\n;\n\\echo [end $self->{count}]\n\\warn [end $self->{count}]\n";
	while (length $self->{in} && $self->{run}->pumpable) { $self->{run}->pump_nb; }
	return $self;
}

# Waits for the statement: (output, error text); in scalar context the output.
sub wait
{
	my ($self) = @_;
	my $end = qr/\[end $self->{count}\]\n/;

	die "nothing is under way\n" unless $self->{waiting};
	until ($self->{out} =~ $end && $self->{err} =~ $end)
	{
		# psql leaves when its connection is lost: then there is no end mark, but there is an error text
		last unless $self->{run}->pumpable;
		eval { $self->{run}->pump; 1 } or do { die $@ if $@ =~ /timeout/; last; };
	}
	my ($out, $err) = ($self->{out}, $self->{err});
	$out =~ s/\n?$end//;
	$err =~ s/$end//;
	$self->{out} = $self->{err} = '';
	$self->{waiting} = 0;
	return wantarray ? ($out, $err) : $out;
}

# Whether the statement that was sent has ended.
sub ended
{
	my ($self) = @_;

	$self->{run}->pump_nb if $self->{run}->pumpable;
	return $self->{err} =~ /\[end $self->{count}\]\n/;
}

sub query
{
	my ($self, $sql) = @_;

	return $self->send($sql)->wait;
}

# Dies when there is an error.
sub safe
{
	my ($self, $sql) = @_;
	my ($out, $err) = $self->send($sql)->wait;

	die "$sql\n$err" if $err ne '';
	return $out;
}

# The error text alone.
sub error
{
	my ($self, $sql) = @_;

	return ($self->send($sql)->wait)[1];
}

# Ends psql; also when its server is gone.
sub close
{
	my ($self) = @_;

	eval { $self->{in} .= "\\q\n"; $self->{run}->finish; };
	eval { $self->{run}->kill_kill(grace => 2); };
	return;
}

1;
