/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Who takes entries from a completion queue, while resets make it another kind of queue:
 * drivers/nvme/host/pci.c and pci-cint.c, and __nvme_cint_look(). For Spin. There is one
 * hardware queue; NEW requests come, REQUESTS at a time, and RESETS resets, each of which
 * chooses a mode. A request that a reset has interrupted is submitted once more to the same
 * queue, as it is mapped to that.
 *
 * Three things are looked for:
 *	Two take entries at once, or a request is delivered twice [take, deliver].
 *	A request is never delivered, or a reset does not end: an invalid end state.
 *	A handler waits for a lock whose owner it has interrupted [handler].
 *
 * The modes, as this queue has them:
 *	OFF	an interrupt; or, of nvme.poll_queues, nobody but who polls
 *	SPLIT	no interrupt: the timer and tasks look. Mode kthread differs in who looks.
 *	DEVICE	an interrupt, and tasks look, too
 *
 * With -D, of TASK, POLLER and TIMEOUT what there is beside timer, handler and resets; and
 * mutants:
 *	LOOK_NO_LOCK	a look does not take ->cq_poll_lock
 *	LOOK_NO_CHECK	it does not read ->looked_at again with the lock
 *	DETACH_NO_LOCK	->looked_at is cleared without the lock
 *	NO_REAP		what has completed is not reaped
 *	ATTACH_NO_GRACE	no grace period before a queue has an interrupt
 *	ATTACH_GRACE_IF_SHARED  but for one that is shared
 *	POLL_NO_RCU	who polls is in no RCU read-side section
 *	STATE_LATE	a request is marked as complete when the batch it is in is
 *	TIMEOUT_NO_DISABLE  a timeout looks without disabling the interrupt
 *	FREEZE_NO_POLL	nobody polls while the reset waits for requests
 */
#ifndef REQUESTS
#define REQUESTS	1
#endif
#ifndef NEW
#define NEW		2
#endif
#ifndef RESETS
#define RESETS		2
#endif

mtype = { OFF, SPLIT, DEVICE };			/* enum nvme_cint_mode */
mtype = { IRQ, POLL, SHARED };			/* enum nvme_cq_consumer */
mtype = { IDLE, IN_FLIGHT, COMPLETE, DONE };	/* blk_mq_rq_state() */

mtype mode = OFF, wanted = OFF;
mtype consumer = IRQ;
bool polled;			/* NVMEQ_POLLED */
bool attached;			/* nvme_queue.cint */
bool looked_at;
bool irq = true;		/* the interrupt is requested */
bool irq_disabled;		/* disable_irq() */
mtype state[REQUESTS] = DONE;
byte on_drive[REQUESTS];		/* 1: the drive has it; 2: it has posted its entry */
#define LAST		(REQUESTS - 1)
#define PENDING		(on_drive[0] == 2 || on_drive[LAST] == 2)	/* nvme_cqe_pending() */
#define OUTSTANDING	(on_drive[0] || on_drive[LAST])
#define ANY(s)		(state[0] == s || state[LAST] == s)
bool ready = true;		/* the controller, NVME_CC_ENABLE */
bool cq_locked, irqs_off;	/* cq_poll_lock; taken with spin_lock_irqsave() */
byte taking;			/* who takes entries */
bool frozen, quiesced, submitting;	/* blk_freeze_queue(), blk_mq_quiesce_queue() */
bool queued, running;		/* the timer */
bool handling;			/* nvme_irq() */
bool judging;			/* nvme_timeout() */
bool reading;			/* who looks is in an RCU read-side section, */
bool old_reader;		/* and was when the queue was detached */
byte resets = RESETS, new = NEW;

/* __nvme_poll_cq(): one entry, or all there are; into the caller's batch */
inline take(all)
{
	taking++;
	assert(taking == 1);
	do
	:: atomic {
			PENDING ->
			rq = (on_drive[0] == 2 -> 0 : LAST);
			on_drive[rq] = 0;
			assert(state[rq] == IN_FLIGHT);
#ifndef STATE_LATE
			/* blk_mq_complete_request_remote() */
			state[rq] = COMPLETE;
#endif
			batch[rq] = true;
			rq = 0
		};
		if
		:: all -> skip
		:: !all -> break
		fi
	:: !PENDING -> break
	od;
	taking--
}

/* nvme_pci_complete_batch() */
inline deliver()
{
	atomic {
		do
		:: rq < REQUESTS ->
			if
			:: batch[rq] ->
#ifdef STATE_LATE
				assert(state[rq] == IN_FLIGHT);
#else
				assert(state[rq] == COMPLETE);
#endif
				state[rq] = DONE;
				batch[rq] = false
			:: else -> skip
			fi;
			rq++
		:: else -> break
		od;
		rq = 0
	}
}

inline lock(off)
{
	atomic {
		!cq_locked ->
		cq_locked = true;
		irqs_off = off
	}
}

/* __nvme_cint_look() */
inline look(all)
{
	if
	:: looked_at ->
		shared = (consumer == SHARED);
		if
#ifdef LOOK_NO_LOCK
		:: true ->
#else
		:: atomic {
				!cq_locked ->
				cq_locked = true;
				irqs_off = shared
			};
#endif
			if
#ifndef LOOK_NO_CHECK
			:: !looked_at -> skip
			:: looked_at -> take(all)
#else
			:: true -> take(all)
#endif
			fi;
			cq_locked = false;
			deliver()
#ifndef LOOK_NO_LOCK
		:: cq_locked -> skip
#endif
		fi;
		shared = false
	:: else -> skip
	fi
}

/* nvme_poll_queue(), of blk_mq_poll() and of the reset */
inline poll()
{
	if
	:: polled && PENDING ->
		lock(false);
		take(true);
		cq_locked = false;
		deliver()
	:: else -> skip
	fi
}

active proctype drive()
{
end:	do
	:: atomic { ready && on_drive[0] == 1 -> on_drive[0] = 2 }
	:: atomic { ready && on_drive[LAST] == 1 -> on_drive[LAST] = 2 }
	od
}

/* nvme_queue_rq(), of new requests and of those that are given back */
active proctype submit()
{
	byte rq;

end:	do
	:: atomic {
			!quiesced && (ANY(IDLE) || (!frozen && new && ANY(DONE))) ->
			submitting = true;
			if
			:: ANY(IDLE) -> rq = (state[0] == IDLE -> 0 : LAST)
			:: else ->
				rq = (state[0] == DONE -> 0 : LAST);
				new--
			fi;
			state[rq] = IN_FLIGHT
		};
		/* nvme_cint_guard() and the doorbell: see look.pml */
		atomic {
			if
			:: attached && consumer == POLL -> queued = true
			:: else -> skip
			fi;
			on_drive[rq] = 1;
			rq = 0;
			submitting = false
		}
	od
}

active proctype timer()
{
	byte rq;
	bool batch[REQUESTS], shared;

end:	do
	:: atomic { queued -> queued = false; running = true };
		look(true);
		atomic {
			if
			:: looked_at && OUTSTANDING -> queued = true
			:: else -> skip
			fi;
			running = false
		}
	od
}

#ifdef TASK
/* cint_look() */
active proctype task()
{
	byte rq, nr = 2;
	bool batch[REQUESTS], shared;

	do
	:: nr ->
		reading = true;
		look(false);
		atomic {
			reading = false;
			old_reader = false;
			nr--
		}
	:: true -> break
	od
}
#endif

#ifdef POLLER
/* blk_mq_poll(), of who polls for what he has submitted */
active proctype poller()
{
	byte rq;
	bool batch[REQUESTS];

#ifndef POLL_NO_RCU
	reading = true;
#endif
	poll();
	atomic {
		reading = false;
		old_reader = false
	}
}
#endif

/* nvme_irq(), on the CPU of the task */
active proctype handler()
{
	byte rq;
	bool batch[REQUESTS];

end:	do
	:: atomic { irq && !irq_disabled && PENDING -> handling = true };
		if
		:: consumer == SHARED ->
			/* spin_lock(), on the CPU of who has it */
			assert(!cq_locked || irqs_off);
			lock(true);
			take(true);
			cq_locked = false
		:: else -> take(true)
		fi;
		deliver();
		handling = false
	od
}

#ifdef TIMEOUT
/* nvme_timeout(): it looks before it judges */
active proctype timeout_work()
{
	byte rq;
	bool batch[REQUESTS];

	if
	:: atomic {
			ANY(IN_FLIGHT) ->
			judging = true
		};
		if
		:: polled -> poll()
		:: else ->
			/* nvme_poll_irqdisable() */
#ifndef TIMEOUT_NO_DISABLE
			irq_disabled = true;
			!handling;
#endif
			lock(true);
			take(true);
			cq_locked = false;
			deliver();
			irq_disabled = false
		fi;
		judging = false
	:: true -> skip
	fi
}
#endif

/* nvme_cint_stop_look() */
inline stop_look()
{
	if
	:: attached ->
		attached = false;
#ifdef DETACH_NO_LOCK
		looked_at = false;
#else
		lock(true);
		looked_at = false;
		cq_locked = false;
#endif
		/* hrtimer_cancel() */
		atomic { !running -> queued = false }
	:: else -> skip
	fi
}

/* nvme_reset_work() */
active proctype reset()
{
	byte rq;
	bool batch[REQUESTS], poll_queue;

	do
	:: resets ->
		resets--;
		/* nvme_cint_reset(); or somebody else's */
		if
		:: wanted = OFF; poll_queue = false
		:: wanted = OFF; poll_queue = true
		:: wanted = SPLIT; poll_queue = true
		:: wanted = DEVICE; poll_queue = false
		fi;
		/* nvme_dev_disable() */
		frozen = true;
		quiesced = true;
		!submitting;
		ready = false;
		/* nvme_suspend_queue() */
		if
		:: polled -> polled = false
		:: else ->
			irq = false;
			!handling
		fi;
		stop_look();
		old_reader = reading;		/* get_state_synchronize_rcu() */
#ifndef NO_REAP
		/* nvme_reap_pending_cqes() */
		lock(true);
		take(true);
		cq_locked = false;
		deliver();
#endif
		/* nvme_cancel_tagset() */
		atomic {
			do
			:: rq < REQUESTS ->
				if
				:: state[rq] == IN_FLIGHT ->
					state[rq] = IDLE;
					on_drive[rq] = 0
				:: else -> skip
				fi;
				rq++
			:: else -> break
			od;
			rq = 0
		};
		/* blk_mq_tagset_wait_completed_request() */
		!ANY(COMPLETE);
		/* nvme_sync_queues() */
		!judging;
		/* nvme_create_queue() */
		polled = poll_queue;
		/* nvme_cint_attach() */
#ifndef ATTACH_NO_GRACE
		if
#ifdef ATTACH_GRACE_IF_SHARED
		:: wanted == DEVICE && !polled -> !old_reader
#else
		:: !polled -> !old_reader	/* cond_synchronize_rcu() */
#endif
		:: else -> skip
		fi;
#endif
		consumer = (polled -> POLL : (wanted == DEVICE -> SHARED : IRQ));
		if
		:: (polled -> wanted == SPLIT || mode == SPLIT : wanted != OFF) ->
			lock(true);
			looked_at = (consumer != IRQ);
			cq_locked = false;
			attached = true
		:: else -> skip
		fi;
		irq = !polled;
		ready = true;
		/* nvme_cint_reset_done() */
		mode = wanted;
		quiesced = false;
		/* nvme_wait_freeze_polling() */
		do
		:: state[0] == DONE && state[LAST] == DONE -> break
#ifndef FREEZE_NO_POLL
		:: polled && PENDING -> poll()
#endif
		od;
		frozen = false;
		/* nvme_cint_detach_queues() */
		if
		:: mode == OFF || (mode == DEVICE && consumer == POLL) -> stop_look()
		:: else -> skip
		fi
	:: else -> break
	od
}
