/*
 * cpus.h
 *		One binary for every CPU: the loader picks the version of a function for the machine that it runs on.
 */
#ifndef REC_CPUS_H
#define REC_CPUS_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define EVERY_CPU __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define EVERY_CPU
#endif

#endif							/* REC_CPUS_H */
