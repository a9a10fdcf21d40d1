/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The controller as a PCI device, which can be removed and found again.
 */
#ifndef CINT_SELFTEST_PCI_H
#define CINT_SELFTEST_PCI_H

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device.h"

/* The PCI address of the controller, or an empty string. */
static inline void pci_address(const struct device *d, char *address, size_t size)
{
	char path[128], link[256], *p;
	ssize_t len;

	address[0] = '\0';
	snprintf(path, sizeof(path), "%s/device", d->sysfs);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return;
	link[len] = '\0';
	p = strrchr(link, '/');
	if (p && strlen(p + 1) < size)
		strcpy(address, p + 1);
}

/* Waits until the controller at a PCI address has its cint directory. */
static inline bool wait_for_controller(const char *address, const char *ctrl)
{
	uint64_t until = now_ns() + WAIT_SECONDS * 1000000000ULL;
	char path[192];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/nvme/%s/cint/mode",
		 address, ctrl);
	while (access(path, R_OK) && now_ns() < until)
		sleep_ms(50);
	return !access(path, R_OK);
}

/* The name of the controller at a PCI address. */
static inline void controller_name(const char *address, char *name, size_t size)
{
	uint64_t until = now_ns() + WAIT_SECONDS * 1000000000ULL;
	struct dirent *entry;
	char path[128];
	DIR *dir;

	name[0] = '\0';
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/nvme", address);
	while (!name[0] && now_ns() < until) {
		dir = opendir(path);
		while (dir && (entry = readdir(dir)))
			if (!strncmp(entry->d_name, "nvme", 4))
				snprintf(name, size, "%.31s", entry->d_name);
		if (dir)
			closedir(dir);
		sleep_ms(50);
	}
}

static inline bool pci_not_found(const char *what, const char *why)
{
	printf("# %s: %s: %s\n", what, why, strerror(errno));
	return false;
}

/* Are all of a controller's namespaces there? Then these are their names. */
static inline bool pci_namespaces(struct device *d)
{
	uint64_t until = now_ns() + WAIT_SECONDS * 1000000000ULL;
	struct device found;

	do {
		sleep_ms(50);
		if (!device_find(&found) && found.nsid == d->nsid &&
		    !found.fast[0] == !d->fast[0] && !found.slow[0] == !d->slow[0]) {
			*d = found;
			return true;
		}
	} while (now_ns() < until);
	return false;
}

/*
 * Has a removed controller found again, and removed and found until it has its old name,
 * which the other tests know it by. Its namespaces may have other names then: they are
 * numbered in the order in which they are found.
 */
static inline bool pci_found_again(struct device *d, const char *address)
{
	char path[128], name[32];
	int tries;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", address);
	for (tries = 0; tries < 50; tries++) {
		sleep_ms(200);
		if (file_write("/sys/bus/pci/rescan", "1"))
			return pci_not_found(address, "rescan");
		controller_name(address, name, sizeof(name));
		if (!name[0] || !wait_for_controller(address, name))
			return pci_not_found(address, "no controller");
		if (!strcmp(name, d->ctrl))
			return pci_namespaces(d) ||
				pci_not_found(name, "not all namespaces");
		if (file_write(path, "1"))
			return pci_not_found(name, "remove");
	}
	return pci_not_found(name, "another name each time");
}

#endif /* CINT_SELFTEST_PCI_H */
