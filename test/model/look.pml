/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Who looks next into a completion queue that no interrupt tells of: the hand-over between
 * who submits, the timer, tasks that look and sleep, and the handler of a barrier
 * (drivers/nvme/host/pci-cint-look.c, pci-cint-submit.c, pci-cint-marked.c); in mode
 * kthread, the thread (pci-cint-thread.c). For Spin. Who may take from the queue, and what
 * a reset does, is in consume.pml.
 *
 * Two things are looked for:
 *	In every state, what the drive has is looked for: the timer is queued or runs, or
 *	the thread does not sleep [monitor].
 *	No task sleeps whose requests are found later than they should be. A timer that is
 *	set for later than FIRES fires LATE times, and then no more, so that a task that
 *	depends on it is an invalid end state.
 *
 * Each step is one that another CPU may see alone. Memory is sequentially consistent: what
 * barriers are for is not shown but by mutants that take two steps in the other order.
 * What the drive has completed is decided when somebody looks. nvme_outstanding() reads
 * two numbers, here one: in between it finds too many at the worst.
 *
 * With -D; without any, the timer fires whatever it is set for:
 *	GROUPS	two groups: what the first one waits for does not wait as long as the
 *		second may
 *	ATTEND	the timer is put off as tasks look: not while they sleep
 *	USERS	nor for another user
 *	BARRIER	a barrier's prefix is looked for soon
 *	THREAD	mode kthread
 * and mutants:
 *	GUARD_NOTHING	who submits sets no timer, and wakes no thread
 *	TAIL_LATE	the request is counted after that
 *	TICK_EARLY	the timer looks at what is outstanding before it is dequeued
 *	THREAD_BUSY_FIRST  the thread does so before it says that it sleeps
 *	NO_TIMER_LOCK	the timer is set without its lock
 *	FIRST_EARLY	whether a request is its group's first is judged before it is counted
 *	FIRST_NO_HOLD	the first does not compare what it may wait with the timer
 *	FIRST_NO_PUT_OFF  nor look whether that is put off for another user
 *	SENT_FIRST	what is sent is read before what is done
 *	OUTSTANDING_FIRST  no group is looked at if the queue has nothing outstanding
 *	HOLD_KEPT	->hold_ns stays what it was when nothing is outstanding
 *	LATER_NO_CHECK	a task puts the timer off although it is so no more
 *	SLEEP_ATTENDED	a task that sleeps has still looked of late
 *	SLEEP_NO_ARM	it leaves the timer put off
 *	ATTENDED_BY_ANYBODY  it is forgotten who has looked of late
 *	HANDLER_NO_ARM	a barrier's handler sets no timer
 *	AWAITING_FIRST	it reads ->poll.awaiting before ->prefix
 *	AWAIT_LATE	a look clears ->prefix before it sets that
 *	TICK_NO_PREFIX	the timer is put off though a prefix is awaited
 */

/* what the timer is set for */
#define FLOOR	1		/* a look for a barrier's prefix */
#define SHORT	2		/* the expected time; the first group's */
#define LONG	3		/* the second group's */
#define OFF	4		/* put off, to max_hold */
#define NEVER	9		/* CINT_DELAY_MAX_NS */

#if defined(GROUPS)
#define FIRES		SHORT
#define HOLD(k)		((k) == 0 -> SHORT : LONG)
#elif defined(ATTEND) || defined(USERS)
#define FIRES		SHORT
#define HOLD(k)		SHORT
#define PUT_OFF
#elif defined(BARRIER)
#define FIRES		FLOOR
#define HOLD(k)		SHORT
#define PUT_OFF
#else
#define FIRES		OFF
#define HOLD(k)		SHORT
#endif
#ifndef ROUNDS
#define ROUNDS	1
#endif
#ifndef LATE
#define LATE		1
#endif

/* of two slots; with BARRIER of one, and two epochs */
#ifdef BARRIER
#define SLOT(k)		0
#else
#define SLOT(k)		(k)
#endif
#ifdef USERS
#define USER(k)		((k) + 1)
#else
#define USER(k)		1
#endif

byte sent[2], done[2];		/* nvme_cint_slot */
byte outstanding;		/* nvme_outstanding() */
byte prefix_left;		/* cint_poll.sent - .done of the epochs up to the barrier */
byte drive[2];			/* the doorbell has been rung for so many */
byte undelivered[2];		/* a task waits for so many */
bool sq_locked, cq_locked;	/* sq_lock, cq_poll_lock */
bool queued, running;		/* nvme_cint_queue.timer, */
byte expires;			/* and what it is set for */
bool prefix, awaiting;		/* .prefix, .poll.awaiting */
byte hold_ns = NEVER, owner;	/* by the last nvme_cint_interval() */
bool put_off;
byte attended;			/* by whom, if .task_ns is of late */
byte late = LATE;
bool sleeping, asleep, off_cpu;	/* nvme_cint.sleeping; the thread's state; schedule() */
bool timer_locked;		/* who sets it, and what goes with that */

/* hrtimer_start() */
inline start_timer(when)
{
	atomic {
		expires = when;
		queued = true
	}
}

/* nvme_cint_slot_outstanding(), and what nvme_cint_interval() makes of it */
inline slot_interval(k)
{
#ifdef SENT_FIRST
	nr = sent[SLOT(k)];
	atomic {
		nr = nr - done[SLOT(k)];
#else
	nr = done[SLOT(k)];
	atomic {
		nr = sent[SLOT(k)] - nr;
#endif
		if
		:: nr ->
			shared = shared || (user && user != USER(k));
			user = USER(k);
			if
			:: !hold || HOLD(k) < hold -> hold = HOLD(k)
			:: else -> skip
			fi
		:: else -> skip
		fi;
		nr = 0
	}
}

/* nvme_cint_interval(): in interval, 0 if nothing is outstanding */
inline get_interval()
{
	atomic { interval = 0; hold = 0 };
	if
#ifdef OUTSTANDING_FIRST
	:: !outstanding -> hold_ns = NEVER
#endif
	:: prefix && outstanding -> interval = FLOOR
	:: else ->
		slot_interval(0);
#ifndef BARRIER
		slot_interval(1);
#endif
		atomic {
			interval = (hold && awaiting -> FLOOR : hold);
#ifdef HOLD_KEPT
			hold_ns = (hold -> hold : hold_ns);
#else
			hold_ns = (hold -> hold : NEVER);
#endif
			hold = 0;
			user = (shared -> 0 : user);
			shared = false
		}
#ifdef PUT_OFF
		atomic {
			if
			:: owner != user ->
				owner = user;
				attended = 0
			:: else -> skip
			fi;
			user = 0
		}
#endif
	fi
}

inline lock_timer()
{
#ifdef NO_TIMER_LOCK
	skip
#else
	atomic { !timer_locked -> timer_locked = true }
#endif
}

/* nvme_cint_arm(), the timer is locked */
inline arm()
{
#ifdef THREAD
	if
	:: sleeping -> asleep = false		/* wake_up_process() */
	:: else -> skip
	fi
#else
	put_off = false;
	get_interval();
	if
	:: interval ->
		start_timer(interval);
		interval = 0
	:: else -> skip
	fi
#endif
}

/* nvme_queue_rq(), with nvme_cint_submit() and nvme_cint_guard() */
inline submit(k)
{
	atomic { !sq_locked -> sq_locked = true };
#ifdef FIRST_EARLY
	first = (sent[SLOT(k)] == done[SLOT(k)]);
	sent[SLOT(k)]++;
#else
	sent[SLOT(k)]++;
	/* smp_mb() */
	first = (sent[SLOT(k)] - done[SLOT(k)] == 1);
#endif
#ifndef TAIL_LATE
	outstanding++;
#endif
	atomic {
#ifdef BARRIER
		prefix_left = prefix_left + 1 - k;
#endif
		undelivered[k]++
	};
	unarmed = !queued;
	if
	:: unarmed ->
#ifndef GUARD_NOTHING
		lock_timer();
		arm();
		timer_locked = false
#endif
	:: first && !unarmed ->
		/* nvme_cint_guard_first() */
		lock_timer();
		if
#ifndef FIRST_NO_PUT_OFF
		:: put_off && owner != USER(k) -> arm()
#endif
#ifndef FIRST_NO_HOLD
		:: HOLD(k) < hold_ns -> arm()
#endif
		:: !queued -> arm()
		:: else -> skip
		fi;
		timer_locked = false
	:: else -> skip
	fi;
#ifdef TAIL_LATE
	outstanding++;
#endif
	atomic {
		first = false;
		unarmed = false;
		drive[k]++;
		sq_locked = false
	}
}

/* __nvme_cint_look(); me: the user if it is a task, else 0 */
inline look(me)
{
	if
	:: atomic { !cq_locked -> cq_locked = true };
		/* nvme_pci_poll_cq() */
		do
		:: atomic {
				if
				:: drive[0] -> drive[0]--
				:: drive[1] -> drive[1]--; kind = 1
				fi;
				outstanding--
			};
			/* nvme_cint_done() */
			atomic {
				done[SLOT(kind)]++;
#ifdef BARRIER
				prefix_left = prefix_left + kind - 1;
#endif
				got[kind]++;
				kind = 0
			}
		:: true -> break
		od;
#ifdef BARRIER
		/* nvme_cint_looked() */
		if
		:: prefix ->
#ifdef AWAIT_LATE
			prefix = false;
			awaiting = true
#else
			awaiting = true;
			prefix = false
#endif
		:: else -> skip
		fi;
		/* cint_poll_looked() */
		atomic {
			if
			:: awaiting && !prefix_left -> awaiting = false
			:: else -> skip
			fi
		};
#endif
#ifdef PUT_OFF
		if
		:: me && owner == me ->
			if
			:: got[0] + got[1] -> attended = me
			:: else -> skip
			fi;
			/* may be */
			later = (put_off && !awaiting)
		:: else -> skip
		fi;
#endif
		/* nvme_pci_complete_batch(), too */
		atomic {
			cq_locked = false;
			undelivered[0] = undelivered[0] - got[0];
			undelivered[1] = undelivered[1] - got[1];
			got[0] = 0;
			got[1] = 0
		}
	:: cq_locked -> skip
	fi;
#ifdef PUT_OFF
	/* the timer comes later, as this task has looked; if it does not come soon, not */
	if
	:: later ->
		later = false;
		lock_timer();
		if
#ifdef LATER_NO_CHECK
		:: true -> start_timer(OFF)
#else
		:: put_off && owner == me -> start_timer(OFF)
#endif
		:: else -> skip
		fi;
		timer_locked = false
	:: later -> later = false
	:: else -> skip
	fi
#endif
}

#ifdef THREAD
/* nvme_cint_thread() */
active proctype thread()
{
	byte kind, got[2];
	bool later;

	do
	:: true ->
#ifdef THREAD_BUSY_FIRST
		if
		:: !outstanding -> asleep = true; sleeping = true
		:: else -> skip
		fi;
#else
		sleeping = true;
		asleep = true;			/* set_current_state() */
		if
		:: outstanding -> asleep = false
		:: else -> skip
		fi;
#endif
		/* schedule() */
		if
		:: atomic { asleep -> off_cpu = true };
end:			atomic { !asleep -> off_cpu = false }
		:: !asleep -> skip
		fi;
		sleeping = false;
		do
		:: outstanding ->
			if
			:: look(0)
			:: true -> skip		/* nothing is due */
			fi
		:: !outstanding -> break
		od
	od
}
#else
/* nvme_cint_timer(), with nvme_cint_tick() */
active proctype timer()
{
	byte nr, hold, user, interval, kind, got[2];
	bool shared, later, put;

end:	do
	:: atomic {
			queued && (expires <= FIRES || late) ->
			if
			:: expires > FIRES -> late--
			:: else -> skip
			fi;
#ifndef TICK_EARLY
			queued = false;
#endif
			running = true
		};
#ifdef TICK_EARLY
		get_interval();
		queued = false;
#else
		lock_timer();
		get_interval();
#endif
		if
		:: interval ->
#ifdef PUT_OFF
			/* nvme_cint_attended(); time may have passed */
			if
#ifdef TICK_NO_PREFIX
			:: owner ->
#else
			:: owner && !awaiting && !prefix ->
#endif
#ifdef ATTENDED_BY_ANYBODY
				put = (attended != 0)
#else
				put = (attended == owner)
#endif
			:: true -> skip
			fi;
			put_off = put;
#endif
			if
			:: put -> start_timer(OFF)
			:: else ->
				timer_locked = false;
				look(0);
				lock_timer();
				get_interval();
				if
				:: interval -> start_timer(interval)
				:: else -> skip
				fi
			fi
		:: else ->
			/* it stops */
			put_off = false
		fi;
		atomic {
			timer_locked = false;
			interval = 0;
			put = false;
			running = false
		}
	od
}
#endif

/* nvme_cint_task_sleep() */
inline sleep()
{
	lock_timer();
#ifndef SLEEP_ATTENDED
	attended = 0;
#endif
	if
#ifndef SLEEP_NO_ARM
	:: put_off -> arm()
#endif
	:: else -> skip
	fi;
	timer_locked = false
}

/* io_cqring_wait(): a task that looks before it waits for what it has submitted */
proctype task(byte k; byte rounds)
{
	byte nr, hold, user, interval, kind, got[2];
	bool shared, later, first, unarmed;

	do
	:: rounds ->
		submit(k);
		if
		:: outstanding -> look(USER(k))
		:: true -> skip
		fi;
		/* if it has all, for something else, of which nvme_cint_task_look() is told, too */
		if
		:: undelivered[k] || outstanding -> sleep()
		:: else -> skip
		fi;
		!undelivered[k];
		rounds--
	:: else -> break
	od
}

/* submits several at once, and waits for all of them */
proctype batch(byte k; byte nr_batch)
{
	byte nr, hold, user, interval, kind, got[2];
	bool shared, first, unarmed;

	do
	:: nr_batch ->
		submit(k);
		nr_batch--
	:: else -> break
	od;
	!undelivered[k]
}

/* submits, and looks, but does not wait */
proctype busy(byte k; byte nr_busy)
{
	byte nr, hold, user, interval, kind, got[2];
	bool shared, later, first, unarmed;

	do
	:: nr_busy ->
		submit(k);
		look(USER(k));
		nr_busy--
	:: else -> break
	od
}

#ifdef BARRIER
/* nvme_irq() when the barrier has completed; and who waits for what was before it */
proctype handler()
{
	byte nr, hold, user, interval, kind, got[2];
	bool shared, later;

	/* nvme_cint_want_prefix() */
	if
	:: outstanding ->
		prefix = true;
		/* nvme_cint_irq_look() */
		look(0);
		lock_timer();
		if
#ifndef HANDLER_NO_ARM
#ifdef AWAITING_FIRST
		:: awaiting -> arm()
		:: else ->
			if
			:: prefix -> arm()
			:: else -> skip
			fi
#else
		:: prefix -> arm()
		:: else ->
			if
			:: awaiting -> arm()
			:: else -> skip
			fi
#endif
#else
		:: true -> skip
#endif
		fi;
		timer_locked = false
	:: else -> skip
	fi;
	!undelivered[0]
}

/* two requests of the prefix, one after it, and a look */
proctype barrier()
{
	byte nr, hold, user, interval, kind, got[2];
	bool shared, later, first, unarmed;

	submit(0);
	run handler();
	submit(1);
	look(1)
}
#endif

init
{
	atomic {
#if defined(GROUPS)
		run batch(0, 2);
		run busy(1, 2)
#elif defined(BARRIER)
		run barrier()
#elif defined(USERS)
		run busy(0, 2);
		run batch(1, 1)
#elif defined(ATTEND)
		run task(0, ROUNDS);
		run task(1, 1)
#else
		run batch(0, 2);
		run busy(1, 2)
#endif
	}
}

active proctype monitor()
{
end:	atomic {
#ifdef THREAD
		drive[0] + drive[1] && off_cpu && asleep ->
#else
		drive[0] + drive[1] && !queued && !running ->
#endif
		assert(false)
	}
}
