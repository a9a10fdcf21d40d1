/*
 * NVMe latency model: when does a command complete?
 *
 * A function of the commands, the times they come at and a seed, in integers
 * only: the same on every host. A command passes, in this order,
 *
 *   x-iops       the controller takes that many commands a second, evenly
 *                spaced (0: no limit);
 *   x-channels   this many are served at a time, the rest waits for the channel
 *                that is free first (0: no limit);
 *   service      a time from the model of x-lat-model, plus x-lat-page-ns for
 *                every 4 KiB after the first:
 *
 *     constant   x-lat-read-ns, x-lat-write-ns
 *     uniform    the same plus 0 to x-lat-spread-ns
 *     lognormal  these are medians; x-lat-sigma is the standard deviation of
 *                the logarithm, in thousandths
 *     two-media  reads: lognormal; x-lat-slow-permille of them have the median
 *                x-lat-slow-ns. Writes: x-lat-write-ns when a place is free in
 *                the buffer of x-write-buffer commands, which one by one go to
 *                the medium, x-lat-program-ns each; otherwise they wait for a
 *                place. A flush waits for the buffer to drain.
 *
 * x-lat-flush-ns is the time of flushes, x-lat-admin-ns that of admin commands,
 * which pass none of the above.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "latency.h"

#define NVME_LATENCY_PAGE (4 * KiB)

/* ln 2 and 1 with 30 fractional bits: the square of 2 still fits 64 bits. */
#define Q30_LN2 744261118ULL
#define Q30_ONE (1ULL << 30)

enum {
    MODEL_CONSTANT,
    MODEL_UNIFORM,
    MODEL_LOGNORMAL,
    MODEL_TWO_MEDIA,
    MODEL_NR
};

static const char *const model_names[MODEL_NR] = {
    [MODEL_CONSTANT]  = "constant",
    [MODEL_UNIFORM]   = "uniform",
    [MODEL_LOGNORMAL] = "lognormal",
    [MODEL_TWO_MEDIA] = "two-media",
};

struct NvmeLatency {
    NvmeLatencyParams params;
    int      model;
    uint64_t random[4];
    /* the front end: when it takes the next command, and what was cut off */
    uint64_t front_ns;
    uint32_t front_rest;
    /* when each channel is free */
    uint64_t *channel_ns;
    /* when each place in the write buffer is free, the oldest at the head */
    uint64_t *buffer_ns;
    uint32_t buffer_head;
    uint64_t drained_ns;
};

/* --- random numbers: xoshiro256**, seeded by splitmix64 ------------------ */

static void random_seed(uint64_t state[4], uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15ULL;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        state[i] = z ^ (z >> 31);
    }
}

static uint64_t random_u64(uint64_t s[4])
{
    uint64_t result = rol64(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rol64(s[3], 45);
    return result;
}

/* 0 to bound - 1; the bias is below 2^-30 for any delay allowed here */
static uint64_t random_below(uint64_t s[4], uint64_t bound)
{
    uint64_t low, high;

    mulu64(&low, &high, random_u64(s), bound);
    return high;
}

/*
 * A normal variable in 1/65536 of its standard deviation. The ones among 256
 * random bits are binomial with mean 128 and standard deviation 8, which is
 * normal far into the tails; a uniform variable fills the steps of 1/8.
 */
static int64_t random_normal(uint64_t s[4])
{
    int64_t ones = 0;

    for (int i = 0; i < 4; i++) {
        ones += ctpop64(random_u64(s));
    }
    return (ones - 128) * 8192 + (int64_t)(random_u64(s) >> 51) - 4096;
}

/* --- service times ------------------------------------------------------- */

/* median * e^(x / 65536), at most NVME_LATENCY_MAX_NS */
static uint64_t scale_exp(uint64_t median, int64_t x)
{
    /* x = (halvings or doublings) * ln 2 + rest, 0 <= rest < ln 2 */
    int64_t q30 = x * (int64_t)(Q30_ONE >> 16);
    int64_t doublings = q30 / (int64_t)Q30_LN2;
    uint64_t rest, term = Q30_ONE, sum = Q30_ONE, low, high;

    if (q30 - doublings * (int64_t)Q30_LN2 < 0) {
        doublings--;
    }
    rest = q30 - doublings * (int64_t)Q30_LN2;
    for (int n = 1; term; n++) {
        term = (term * rest >> 30) / n;
        sum += term;
    }

    /* sum is below 2, median below 2^34: the product fits 65 bits */
    mulu64(&low, &high, sum, median);
    low = low >> 30 | high << 34;
    if (doublings < 0) {
        return doublings < -63 ? 0 : low >> -doublings;
    }
    if (doublings > 30 || low > NVME_LATENCY_MAX_NS >> doublings) {
        return NVME_LATENCY_MAX_NS;
    }
    return low << doublings;
}

static uint64_t lognormal(NvmeLatency *lat, uint64_t median_ns)
{
    int64_t z = random_normal(lat->random);

    return scale_exp(median_ns, z * (int64_t)lat->params.sigma / 1000);
}

static uint64_t service_ns(NvmeLatency *lat, NvmeLatencyOp op)
{
    const NvmeLatencyParams *p = &lat->params;
    uint64_t base = op == NVME_LATENCY_READ ? p->read_ns : p->write_ns;

    switch (lat->model) {
    case MODEL_UNIFORM:
        return base + random_below(lat->random, p->spread_ns + 1);
    case MODEL_LOGNORMAL:
        return lognormal(lat, base);
    case MODEL_TWO_MEDIA:
        if (op == NVME_LATENCY_WRITE) {
            return base;
        }
        if (random_below(lat->random, 1000) < p->slow_permille) {
            base = p->slow_ns;
        }
        return lognormal(lat, base);
    default:
        return base;
    }
}

/* --- queueing ------------------------------------------------------------ */

static uint64_t pass_front_end(NvmeLatency *lat, uint64_t now_ns)
{
    uint32_t iops = lat->params.iops;
    uint64_t start = now_ns;

    if (!iops) {
        return now_ns;
    }
    if (lat->front_ns > now_ns) {
        start = lat->front_ns;
    } else {
        lat->front_rest = 0;
    }
    lat->front_ns = start + NANOSECONDS_PER_SECOND / iops;
    lat->front_rest += NANOSECONDS_PER_SECOND % iops;
    if (lat->front_rest >= iops) {
        lat->front_rest -= iops;
        lat->front_ns++;
    }
    return start;
}

static uint64_t use_channel(NvmeLatency *lat, uint64_t start_ns,
                            uint64_t service)
{
    uint64_t *first = lat->channel_ns;

    if (!first) {
        return start_ns + service;
    }
    for (uint32_t i = 1; i < lat->params.channels; i++) {
        if (lat->channel_ns[i] < *first) {
            first = &lat->channel_ns[i];
        }
    }
    *first = MAX(*first, start_ns) + service;
    return *first;
}

/* The write that comes now takes the place that has been occupied longest. */
static uint64_t enter_buffer(NvmeLatency *lat, uint64_t start_ns,
                             uint64_t pages)
{
    uint64_t *place = &lat->buffer_ns[lat->buffer_head];

    lat->buffer_head = (lat->buffer_head + 1) % lat->params.write_buffer;
    start_ns = MAX(start_ns, *place);
    lat->drained_ns = MAX(lat->drained_ns, start_ns) +
                      lat->params.program_ns * pages;
    *place = lat->drained_ns;
    return start_ns;
}

/**
 * nvme_latency_due: A command comes in
 * @lat: the model
 * @op: what it does
 * @bytes: how much data it moves
 * @now_ns: the time, never less than in an earlier call
 *
 * Returns: when it completes, at least @now_ns.
 */
uint64_t nvme_latency_due(NvmeLatency *lat, NvmeLatencyOp op, uint64_t bytes,
                          uint64_t now_ns)
{
    uint64_t pages = MAX(DIV_ROUND_UP(bytes, NVME_LATENCY_PAGE), 1);
    uint64_t start = pass_front_end(lat, now_ns);
    uint64_t due;

    if (op == NVME_LATENCY_FLUSH) {
        return MAX(start, lat->drained_ns) + lat->params.flush_ns;
    }
    if (lat->model == MODEL_TWO_MEDIA && op == NVME_LATENCY_WRITE) {
        start = enter_buffer(lat, start, pages);
    }
    due = use_channel(lat, start, service_ns(lat, op) +
                                  (pages - 1) * lat->params.page_ns);
    return due;
}

/**
 * nvme_latency_reset: The drive becomes idle, the random numbers start anew
 */
void nvme_latency_reset(NvmeLatency *lat)
{
    const NvmeLatencyParams *p = &lat->params;

    random_seed(lat->random, p->seed);
    lat->front_ns = 0;
    lat->front_rest = 0;
    lat->drained_ns = 0;
    lat->buffer_head = 0;
    if (lat->channel_ns) {
        memset(lat->channel_ns, 0, p->channels * sizeof(*lat->channel_ns));
    }
    if (lat->buffer_ns) {
        memset(lat->buffer_ns, 0, p->write_buffer * sizeof(*lat->buffer_ns));
    }
}

static bool check_range(const char *name, uint64_t value, uint64_t min,
                        uint64_t max, Error **errp)
{
    if (value < min || value > max) {
        error_setg(errp, "%s is %" PRIu64 ", it must be between %" PRIu64
                   " and %" PRIu64, name, value, min, max);
        return false;
    }
    return true;
}

/**
 * nvme_latency_new: Check the properties and make a model of them
 *
 * Returns: the model, or NULL with @errp set. @params are copied.
 */
NvmeLatency *nvme_latency_new(const NvmeLatencyParams *params, Error **errp)
{
    const struct {
        const char *name;
        uint64_t value;
    } delays[] = {
        { "x-lat-read-ns", params->read_ns },
        { "x-lat-write-ns", params->write_ns },
        { "x-lat-flush-ns", params->flush_ns },
        { "x-lat-admin-ns", params->admin_ns },
        { "x-lat-page-ns", params->page_ns },
        { "x-lat-spread-ns", params->spread_ns },
        { "x-lat-slow-ns", params->slow_ns },
        { "x-lat-program-ns", params->program_ns },
    };
    NvmeLatency *lat;
    int model;

    for (model = 0; model < MODEL_NR; model++) {
        if (!strcmp(params->model, model_names[model])) {
            break;
        }
    }
    if (model == MODEL_NR) {
        error_setg(errp, "x-lat-model is '%s', it must be constant, uniform, "
                   "lognormal or two-media", params->model);
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
        if (!check_range(delays[i].name, delays[i].value, 0,
                         NVME_LATENCY_MAX_NS, errp)) {
            return NULL;
        }
    }
    if (!check_range("x-lat-sigma", params->sigma, 0, NVME_LATENCY_MAX_SIGMA,
                     errp) ||
        !check_range("x-lat-slow-permille", params->slow_permille, 0, 1000,
                     errp) ||
        !check_range("x-write-buffer", params->write_buffer, 1,
                     NVME_LATENCY_MAX_BUFFER, errp) ||
        !check_range("x-channels", params->channels, 0,
                     NVME_LATENCY_MAX_CHANNELS, errp) ||
        !check_range("x-iops", params->iops, 0, NVME_LATENCY_MAX_IOPS, errp)) {
        return NULL;
    }

    lat = g_new0(NvmeLatency, 1);
    lat->params = *params;
    lat->params.model = NULL;
    lat->model = model;
    if (params->channels) {
        lat->channel_ns = g_new(uint64_t, params->channels);
    }
    if (model == MODEL_TWO_MEDIA) {
        lat->buffer_ns = g_new(uint64_t, params->write_buffer);
    }
    nvme_latency_reset(lat);
    return lat;
}

void nvme_latency_free(NvmeLatency *lat)
{
    if (lat) {
        g_free(lat->channel_ns);
        g_free(lat->buffer_ns);
        g_free(lat);
    }
}
