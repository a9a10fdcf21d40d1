// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A LevelDB program, changed in the two lines that are marked:
 *
 *	two-lines DIRECTORY put KEY VALUE | get KEY
 */
#include <cstdio>
#include <memory>
#include <string>

#include <leveldb/db.h>
#include "urgent-env.h"						/* this one */

static int usage()
{
	fprintf(stderr, "usage: two-lines DIRECTORY put KEY VALUE | get KEY\n");
	return 2;
}

int main(int argc, char **argv)
{
	const std::string what = argc > 3 ? argv[2] : "";
	leveldb::WriteOptions sync;
	leveldb::Options options;
	leveldb::Status status;
	std::string value;
	leveldb::DB *opened;

	if (!(what == "put" && argc == 5) && !(what == "get" && argc == 4))
		return usage();
	options.create_if_missing = true;
	options.env = cint::UrgentEnv::Default();		/* and this */
	status = leveldb::DB::Open(options, argv[1], &opened);
	const std::unique_ptr<leveldb::DB> db(status.ok() ? opened : nullptr);

	sync.sync = true;
	if (status.ok() && what == "put")
		status = db->Put(sync, argv[3], argv[4]);
	else if (status.ok())
		status = db->Get(leveldb::ReadOptions(), argv[3], &value);
	if (!status.ok()) {
		fprintf(stderr, "two-lines: %s\n", status.ToString().c_str());
		return 1;
	}
	if (what == "get")
		printf("%s\n", value.c_str());
	return 0;
}
