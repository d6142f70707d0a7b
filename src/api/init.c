/*
 * init.c
 *		Loading of the library.
 */
#include "postgres.h"

#include "fmgr.h"
#include "model/settings.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	rec_settings_define();
}
