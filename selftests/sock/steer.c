// SPDX-License-Identifier: GPL-2.0
/*
 * Steering: the side that won waits a little longer next time. The step of
 * that grows while the same side wins and shrinks when it changes, so that the
 * delay finds the place where the calls meet, and stays around it. A random
 * part on both sides sees to it that they meet in many ways.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SOCK_NO_HARNESS
#include "pair.h"
#include "steer.h"

/* Turns of an empty loop. */
#define STEP_LEAST	16
#define STEP_MOST	10000000
#define DELAY_MOST	1000000000

struct side {
	long (*call)(void);
	long delay;
	long result;
	int place;	/* 0: it returned first */
};

struct steering {
	struct side side[2];
	sem_t begin, end;
	bool stop;
	int ready;	/* sides at the start */
	int finished;
	long offset;	/* the second waits so much longer than the first */
	long step;
	int winner;	/* of the round before */
	int won[2];
	int round;
	int rounds;
};

static struct steering steering;

static void wait_turns(long turns)
{
	while (turns-- > 0)
		__asm__ volatile("" ::: "memory");
}

/* Both leave the start together. */
static void run_side(struct side *side)
{
	__atomic_add_fetch(&steering.ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&steering.ready, __ATOMIC_SEQ_CST) < 2)
		;
	wait_turns(side->delay);
	errno = 0;
	side->result = sock_result(side->call());
	side->place = __atomic_fetch_add(&steering.finished, 1,
					 __ATOMIC_SEQ_CST);
}

static bool pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

static void *second_side(void *arg)
{
	if (!pin(1))
		return "no second processor";
	for (;;) {
		sem_wait(&steering.begin);
		if (steering.stop)
			return NULL;
		run_side(&steering.side[1]);
		sem_post(&steering.end);
	}
}

static void aim(void)
{
	long jitter = 2 * steering.step + 256;

	steering.side[0].delay = random() % jitter;
	steering.side[1].delay = random() % jitter;
	if (steering.offset > 0)
		steering.side[1].delay += steering.offset;
	else
		steering.side[0].delay -= steering.offset;
}

static void learn(int winner)
{
	steering.won[winner]++;
	if (winner == steering.winner && steering.step < STEP_MOST)
		steering.step *= 2;
	else if (winner != steering.winner && steering.step > STEP_LEAST)
		steering.step /= 2;
	steering.winner = winner;
	steering.offset += winner ? steering.step : -steering.step;
	if (labs(steering.offset) > DELAY_MOST)
		steering.offset = 0;
}

static bool run_round(const struct contest *contest)
{
	const struct side *side = steering.side;
	long result[2];
	int winner;

	if (contest->prepare && !contest->prepare()) {
		fprintf(stderr, "# %s, round %d: not prepared: %m\n",
			contest->name, steering.round);
		return false;
	}
	aim();
	steering.ready = 0;
	steering.finished = 0;
	sem_post(&steering.begin);
	run_side(&steering.side[0]);
	sem_wait(&steering.end);
	result[0] = side[0].result;
	result[1] = side[1].result;
	winner = contest->winner ? contest->winner(result) : side[1].place == 0;
	learn(winner);
	if (contest->judge(result))
		return true;
	fprintf(stderr, "# %s, round %d: %ld and %ld, %d was first\n",
		contest->name, steering.round, result[0], result[1], winner);
	return false;
}

/* A slow machine asks for a part of the rounds: STEER_SHARE=4 for a quarter. */
static int share_of(int n)
{
	const char *text = getenv("STEER_SHARE");
	int share = text ? atoi(text) : 1;

	return share > 1 ? n / share : n;
}

static bool run_rounds(const struct contest *contest)
{
	int least = share_of(contest->least);
	bool good = true;

	for (; good && steering.round < steering.rounds; steering.round++)
		good = run_round(contest);
	fprintf(stderr, "# %s: %d : %d\n", contest->name, steering.won[0],
		steering.won[1]);
	if (good && (steering.won[0] < least || steering.won[1] < least)) {
		fprintf(stderr, "# %s: not steering\n", contest->name);
		good = false;
	}
	return good;
}

/* All rounds of a contest; false if one went wrong, or they never met. */
bool steer(const struct contest *contest)
{
	pthread_t thread;
	void *problem;
	bool good;

	steering = (struct steering) {
		.side[0].call = contest->first,
		.side[1].call = contest->second,
		.step = 1024,
		.rounds = share_of(contest->rounds),
	};
	sem_init(&steering.begin, 0, 0);
	sem_init(&steering.end, 0, 0);
	if (!pin(0) || pthread_create(&thread, NULL, second_side, NULL))
		return false;
	good = run_rounds(contest);
	steering.stop = true;
	sem_post(&steering.begin);
	pthread_join(thread, &problem);
	return good && !problem;
}

/* Which round is it? */
int steer_round(void)
{
	return steering.round;
}

/* Is it the last one? */
bool steer_is_last(void)
{
	return steering.round == steering.rounds - 1;
}

/* All or nothing: lists of skips name a program as a whole. */
static void __attribute__((constructor)) need_processors(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) >= 2)
		return;
	printf("TAP version 13\n1..0 # SKIP needs two processors\n");
	exit(4);
}
