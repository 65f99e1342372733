/*
 * What /usr/bin/cullinan leads to: becomes the runtime beside it, with the flags and the environment
 * that scripts/package/program.mjs says (NODE_FLAGS and ENVIRONMENT come in when this is compiled).
 *
 * Node has no datagram sockets of the family unix, which is what a service speaks to systemd by. So the
 * socket is opened here, and what runs afterwards writes to a descriptor (sd_notify(3); src/notify).
 * A child that speaks in its place, systemd-notify, would cost as much CPU as a tick.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef NODE_FLAGS
#define NODE_FLAGS
#endif
#ifndef ENVIRONMENT
#define ENVIRONMENT
#endif

/* The descriptor's number, for src/notify. */
#define DESCRIPTOR "CULLINAN_NOTIFY_FD"

static const char *const flags[] = {NODE_FLAGS NULL};
static const char *const environment[] = {ENVIRONMENT NULL};

/* Where nobody listens, the agent runs as well: there is nothing to be told of. */
static void connect_to_systemd(void)
{
	/* Whatever a caller has set is not a descriptor of ours. */
	unsetenv(DESCRIPTOR);
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return;
	size_t length = strlen(path);
	if (length < 2 || length >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, length);
	/* An abstract socket: its name begins with a zero and ends with the address. */
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	/* It is never waited for: systemd that is busy must not hold up a tick. */
	int opened = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (opened < 0)
		return;
	socklen_t size = offsetof(struct sockaddr_un, sun_path) + length;
	/* Without the flag that closes it at the exec, and none of the three standard ones. */
	int kept = -1;
	if (connect(opened, (struct sockaddr *)&address, size) == 0)
		kept = fcntl(opened, F_DUPFD, 3);
	close(opened);
	char number[16];
	snprintf(number, sizeof(number), "%d", kept);
	if (kept >= 0)
		setenv(DESCRIPTOR, number, 1);
}

int main(int argc, char **argv)
{
	/* Its own place, through whatever links it was called by. */
	char node[PATH_MAX], program[PATH_MAX];
	const size_t room = PATH_MAX - sizeof("/cullinan.cjs");
	ssize_t length = readlink("/proc/self/exe", node, room);
	if (length < 0 || (size_t)length >= room) {
		fprintf(stderr, "cullinan: /proc/self/exe cannot be read, so the program is not found. Mount /proc.\n");
		return 1;
	}
	node[length] = '\0';
	*strrchr(node, '/') = '\0';
	strcpy(program, node);
	strcat(node, "/node");
	strcat(program, "/cullinan.cjs");

	for (const char *const *it = environment; *it != NULL; it++) {
		char name[64];
		const char *end = strchr(*it, '=');
		snprintf(name, sizeof(name), "%.*s", (int)(end - *it), *it);
		setenv(name, end + 1, 0);
	}
	connect_to_systemd();

	size_t most = sizeof(flags) / sizeof(*flags) + argc + 2;
	char **words = calloc(most, sizeof(*words));
	if (words == NULL)
		return 1;
	size_t count = 0;
	words[count++] = "cullinan";
	for (const char *const *it = flags; *it != NULL; it++)
		words[count++] = (char *)*it;
	words[count++] = program;
	for (int i = 1; i < argc; i++)
		words[count++] = argv[i];
	execv(node, words);
	fprintf(stderr, "cullinan: %s cannot be started: %s. Install the package again.\n", node, strerror(errno));
	return 1;
}
