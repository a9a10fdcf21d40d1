/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Who wakes a task that waits on a ring: io_uring/cint_linger.c, with
 * io_req_local_work_add() and io_cqring_wait(), for Spin. Every completion is added by a
 * process of its own: COMPLETIONS of them, of which BULK are bulk I/O and the others lazy
 * ones of something else. The task waits for all of them, one or two at a time; or for
 * more than there will ever be, until a barrier ends that. A task that sleeps while nobody
 * will wake it is an invalid end state.
 *
 * Each step is one that another CPU may see alone. Memory is sequentially consistent: what
 * barriers are for is not shown here.
 *
 * With -D:
 *	ENDLESS		one more bulk I/O is outstanding, and never completes
 *	LATE		the timer never fires: the task is woken without its help
 *	BARRIER		the task issues a barrier, while the others complete, and waits for
 *			its end, and once more: what was issued before has completed then
 *	WORKER		a worker issues one bulk I/O meanwhile, perhaps before a barrier
 * and mutants, each of which is to be found with one of these or without:
 *	NO_LOOK_AFTER	the task does not look whether ->cq_wait_nr was raised
 *	NO_IS_ENOUGH	who has raised it does not look at what was added meanwhile
 *	NO_LAST		the last bulk I/O wakes as any other
 *	NO_TIMER	the timer is not set
 *	QUEUED_BEFORE	whether the timer is set is read before ->cq_wait_nr is raised
 *	NOT_AGAIN	a timer of a former wait is not set once more
 *	COUNT_FIRST	a completion is counted before it is added
 *	NO_WORK_AGAIN	the task does not look for work when a barrier has ended
 *	NOT_COUNTED	who ends a barrier does not look whether it was counted meanwhile
 *	NO_NUMBER	nor whether it is still the same
 *	NOT_ONCE_MORE	who issues does not look whether a barrier has divided it off
 */
#ifndef COMPLETIONS
#define COMPLETIONS	3
#endif
#ifndef BULK
#define BULK		2
#endif
#define THRESHOLD	3
#define BARRIERS	2
#define NOBODY		100	/* IO_CQ_WAKE_INIT */
#define FORCE		99

byte cq_wait_nr = NOBODY;
byte enough;
byte listed;			/* ->work_llist: how many, */
byte head_nr;			/* and nr_tw of the first */
/* of the halves; all but barriers are in the first when the task begins */
byte outstanding[2];
byte barriers;			/* twice those that have ended, odd while one has not */
bool timer;
bool asleep;			/* TASK_INTERRUPTIBLE */
bool ended;			/* IO_CHECK_CQ_BARRIER_BIT */
byte issued;			/* by the worker */
bool done;

#define BEHIND(number)	(((number) + 1) / 2 % 2)

inline wake()
{
	asleep = false;
}

/* io_linger_added() and io_linger_last() */
inline count()
{
	atomic {
		outstanding[half]--;
		last = (outstanding[half] == 0)
	}
	linger = !last;
	if
	:: last ->
#ifdef BARRIER
		number = barriers;
		if
		:: number % 2 && half != BEHIND(number) ->
#ifndef NOT_COUNTED
			if
			:: outstanding[half] -> goto counted
			:: else -> skip
			fi;
#endif
			atomic {
				if
#ifdef NO_NUMBER
				:: barriers % 2 -> barriers++
#else
				:: barriers == number -> barriers++
#endif
				:: else -> goto counted
				fi
			}
			ended = true;
			wake()
		:: else -> skip
		fi;
counted:
#endif
		if
		:: outstanding[1 - half] -> linger = true
		:: else ->
#ifndef NO_LAST
			e = enough;
			if
			:: e && cq_wait_nr == e -> wake()
			:: else -> skip
			fi
#endif
			skip
		fi
	:: else -> skip
	fi
}

/* io_req_local_work_add() and io_linger() */
proctype add(bool bulk; byte half)
{
	byte nr_tw, before, nr_wait, e, number;
	bool last, linger, queued;

#ifdef COUNT_FIRST
	if
	:: bulk ->
		count()
	:: else -> skip
	fi;
#endif
	atomic {
		before = (listed -> head_nr : 0);
		nr_tw = before + 1;
		listed++;
		head_nr = nr_tw
	}
#ifndef COUNT_FIRST
	if
	:: bulk ->
		count()
	:: else -> skip
	fi;
#endif
	/* an eventfd may be signalled here */
	nr_wait = cq_wait_nr;
	if
	:: nr_tw < nr_wait || before >= nr_wait ->
		goto end
	:: else -> skip
	fi;
	if
	:: !linger -> goto up
	:: else -> skip
	fi;
	e = enough;
	if
	:: nr_tw >= e -> goto up
	:: else -> skip
	fi;
#ifdef QUEUED_BEFORE
	queued = timer;
#endif
	atomic {
		if
		:: cq_wait_nr != nr_wait -> goto up
		:: else -> cq_wait_nr = e
		fi
	}
	if
	:: enough != e ->
		atomic {
			if
			:: cq_wait_nr == e -> cq_wait_nr = nr_wait
			:: else -> skip
			fi
		}
		goto up
	:: else -> skip
	fi;
#ifndef NO_IS_ENOUGH
	if
	:: listed == 0 -> goto up
	:: else -> skip
	fi;
	if
	:: outstanding[0] == 0 ->
		if
		:: outstanding[1] == 0 -> goto up
		:: else -> skip
		fi
	:: else -> skip
	fi;
	if
	:: head_nr >= e -> goto up
	:: else -> skip
	fi;
#endif
#ifndef NO_TIMER
#ifndef QUEUED_BEFORE
	queued = timer;
#endif
	if
	:: queued -> skip
	:: else -> timer = true
	fi;
#endif
	goto end;
up:
	wake();
end:	skip
}

/* io_linger_timer(), whether the time has come for the wait in progress or not */
active proctype fire()
{
	byte e;

end:	do
#ifndef LATE
	:: timer ->
		timer = false;
		e = enough;
		if
#ifdef NOT_AGAIN
		:: e && cq_wait_nr == e -> skip
#else
		:: e && cq_wait_nr == e -> timer = true
#endif
		:: e && cq_wait_nr == e -> wake()
		:: else -> skip
		fi
#endif
	:: done -> break
	od
}

#ifdef WORKER
/* io_linger_issue(), and the request completes */
active proctype worker()
{
	byte half, e, number;
	bool last, linger;

	half = BEHIND(barriers);
	outstanding[half]++;
#ifndef NOT_ONCE_MORE
	do
	:: half == BEHIND(barriers) -> break
	:: else ->
		count();
		half = BEHIND(barriers);
		outstanding[half]++
	od;
#endif
	issued = 1;
	run add(true, half)
}
#endif

inline take()
{
	atomic {
		got = got + listed;
		listed = 0;
		head_nr = 0
	}
}

/* io_cqring_wait(), again and again */
active proctype task()
{
	byte left = COMPLETIONS, want, got, nr_wait;
	bool lingered;
	byte i, total, had;

	atomic {
#ifdef ENDLESS
		outstanding[0] = outstanding[0] + BULK + 1;
#else
		outstanding[0] = outstanding[0] + BULK;
#endif
		do
		:: i < COMPLETIONS ->
			i++;
			run add(i <= BULK, 0)
		:: else -> break
		od
	}
	do
#ifdef BARRIER
	:: barriers == 2 * BARRIERS -> break
	:: else ->
		want = 9;
		had = issued;
		i = BEHIND(barriers);
		outstanding[i]++;
		/* io_linger_barrier() */
		barriers++;
		left++;
		run add(true, i);
#else
	:: left == 0 -> break
	:: else ->
		if
		:: want = 1
		:: left >= 2 -> want = 2
		fi;
#endif
		lingered = false;
		do
		:: true ->
			take();
			if
			:: ended ->
				ended = false;
#ifndef NO_WORK_AGAIN
				take();
#endif
				break
			:: got >= want -> break
			:: else -> skip
			fi;
			nr_wait = want - got;
			enough = (!lingered && THRESHOLD - got > nr_wait -> THRESHOLD - got : 0);
			cq_wait_nr = nr_wait;
			asleep = true;
			if
			:: ended -> goto awake
			:: else -> skip
			fi;
			if
			:: listed -> goto awake
			:: else -> skip
			fi;
#ifndef NO_LOOK_AFTER
			if
			:: cq_wait_nr != nr_wait -> goto awake
			:: else -> skip
			fi;
#endif
			!asleep;
awake:
			asleep = false;
			if
			:: enough && cq_wait_nr == enough ->
				lingered = true
			:: else -> skip
			fi;
			enough = 0;
			cq_wait_nr = NOBODY
		od;
#ifdef BARRIER
		/* all that was issued before, and the barrier */
		total = total + got;
		assert(total >= left + had);
#else
		left = left - got;
#endif
		got = 0
	od;
	done = true
}
