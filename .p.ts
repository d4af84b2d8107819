import { openStoreAt } from './test/support/sqlite-subject.ts';
import { acceptMedia, acceptText, fulfilled, HOUR_MS, keyOf, NOW, placeholderMessage, textMessage } from './test/support/store-records.ts';
import { rmSync, mkdtempSync } from 'node:fs';
import { newGuid } from './src/base/ids.ts';
const dir=mkdtempSync('/tmp/prof/s'); const store=await openStoreAt(dir+'/s.db');
const C=Number(process.env.CHATS??200);
const chats=Array.from({length:C},(_,n)=>({key:keyOf('chat-'+n),next:1}));
await Promise.all(chats.map(c=>store.resolveCorrespondent(c.key.botId,c.key.providerName,[c.key.correspondentId])));
const par=async(count:number,k:number,act:(n:number)=>Promise<void>)=>{let n=0;await Promise.all(Array.from({length:k},async()=>{while(n<count)await act(n++)}))};
const text=async(n:number)=>{const c=chats[n%C]!;const m=textMessage(c.next++,{providerMessageId:newGuid()});await store.accept(acceptText(c.key,m));await store.ingest({correspondent:c.key,messages:[m],now:NOW})};
const job=async(n:number)=>{const c=chats[n%C]!;const p=placeholderMessage(c.next++,newGuid(),{providerMessageId:newGuid()});await store.accept(acceptMedia(c.key,p));const claim=await store.claim({pool:'audio',now:NOW,leaseMs:HOUR_MS,cappedBots:[]});if(!claim)throw 1;await store.complete(claim,{kind:'words',words:'w'},NOW);await store.settle({correspondent:claim.correspondent,guid:claim.guid,message:fulfilled(claim.placeholder),evictedIds:[],error:null})};
const what=process.argv[2]==='text'?text:job;const N=Number(process.argv[3]??20000);
for(let r=0;r<3;r++){const t=performance.now();const u=process.cpuUsage();const e=performance.eventLoopUtilization();await par(N,Number(process.argv[4]??100),what);const s=(performance.now()-t)/1e3;const d=process.cpuUsage(u);console.log(process.argv[2],(N/s).toFixed(0),'/s cpu',((d.user+d.system)/1e6/s).toFixed(2),'elu main',performance.eventLoopUtilization(e).utilization.toFixed(2))}
await store.close();rmSync(dir,{recursive:true});
